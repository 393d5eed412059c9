#pragma once

#include <array>
#include <optional>
#include <set>

#include "common/bytes.h"
#include "common/key_types.h"
#include "hsm/cryptoki.h"

namespace hubseal::hsm {

constexpr std::size_t kSignatureAlgorithms = 9;

/// What the token is given to sign.
enum class SignInput {
  digest_info,  ///< RFC 8017 section 9.2: the hash and its name
  digest,       ///< the hash alone
  message,      ///< everything; the token hashes
};

/// How this token makes one kind of signature.
struct Mechanism {
  CK_MECHANISM_TYPE type = 0;
  SignInput input = SignInput::digest;
  std::optional<CK_RSA_PKCS_PSS_PARAMS> pss;
};

using MechanismSet = std::set<CK_MECHANISM_TYPE>;

/// The mechanisms of the slot that sign (CKF_SIGN) or make keys (CKF_GENERATE_KEY_PAIR).
Result<MechanismSet> read_mechanisms(Cryptoki& cryptoki, CK_SLOT_ID slot);

/// Hashing here and signing the hash comes first: the message does not travel, and the hash is
/// needed for the verification anyway. Where the token lacks it, the token hashes.
std::optional<Mechanism> choose_mechanism(SignatureAlgorithm algorithm, const MechanismSet& offered);

/// All nine, indexed by SignatureAlgorithm.
using MechanismTable = std::array<std::optional<Mechanism>, kSignatureAlgorithms>;
MechanismTable choose_mechanisms(const MechanismSet& offered);

/// DigestInfo (RFC 8017 section 9.2, note 1) around a SHA-256, SHA-384 or SHA-512 hash.
Bytes digest_info(SignatureAlgorithm algorithm, ByteView digest);

}  // namespace hubseal::hsm
