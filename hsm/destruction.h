#pragma once

#include <set>
#include <string>
#include <vector>

#include "hsm/key.h"
#include "hsm/mechanism.h"
#include "hsm/writing_session.h"

namespace hubseal::hsm {

/// The end of one private key. A label and a CKA_ID are words that anybody who may write to the token can put on a
/// key, and a handle found by them may be another's: a private key is destroyed only after it has itself signed a
/// challenge that verifies with the public key meant, and so is every copy of it.
/// Threads: one; whoever runs it is the only one who changes the token meanwhile.
class Destruction {
 public:
  struct Target {
    KeyId id{};
    std::string label;           ///< under which it is registered
    const Key* known = nullptr;  ///< as it was found when the token was opened, if it was; its public key is certain
  };
  Destruction(Cryptoki& cryptoki, CK_SLOT_ID slot, const MechanismTable& mechanisms, Target target)
      : cryptoki_(cryptoki), slot_(slot), mechanisms_(mechanisms), target_(std::move(target)) {}

  /// Destroys the private keys that prove to be this one and, once none is left, its public half.
  /// Errors: not_found (no private key is or may be this one; its public half stays, the token may show less than it
  /// has); those of `begin`;
  /// hsm_unavailable (one may be this one and cannot prove it, or is still there; the message names it).
  Result<> run(const Signer::Begin& begin);

  /// Whether the token has destroyed a private key, also when `run` ended with an error.
  bool has_destroyed() const { return destroyed_ > 0; }

 private:
  struct PublicHalf {
    CK_OBJECT_HANDLE object = 0;
    bool is_key = false;  ///< a public key, not a certificate
    bool is_meant = false;
    PkeyPtr key;
  };
  enum class Verdict { this_key, another, cannot_tell };
  struct Judgement {
    Verdict verdict = Verdict::another;
    std::string reason;  ///< why it cannot be told
  };
  struct Doubt {
    std::string what;
    bool claims = false;  ///< it has this key's label or public half, not the CKA_ID alone
  };
  struct Findings {
    std::vector<CK_OBJECT_HANDLE> proven;
    std::vector<Doubt> doubts;
  };

  Result<> read_public_halves(const Session& session);
  Result<> read_ids(const Session& session);
  Result<Findings> look(const Session& session);
  Result<Judgement> judge(CK_OBJECT_HANDLE handle, EVP_PKEY* own, bool claims);
  Result<> refuse_what_is_left(const Findings& left) const;
  EVP_PKEY* meant() const;

  Cryptoki& cryptoki_;
  const CK_SLOT_ID slot_;
  const MechanismTable& mechanisms_;
  const Target target_;
  std::vector<PublicHalf> halves_;
  std::set<Bytes> ids_;  ///< CKA_IDs that point to this key
  std::size_t destroyed_ = 0;
};

}  // namespace hubseal::hsm
