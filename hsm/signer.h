/// All that the daemon sees of the HSM.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/result.h"

namespace hubseal::hsm {

using hubseal::to_string;  // a KeyId is a std::array, so that argument-dependent lookup misses ours

/// How sure we are that a private key never left the token.
enum class Grade {
  generated,  ///< made in this token: CKA_ALWAYS_SENSITIVE and CKA_NEVER_EXTRACTABLE
  imported,   ///< sensitive and not extractable now, but it came from outside
};
std::string_view to_string(Grade grade);

/// active: signs. quarantined: gave a signature that did not verify, or its attributes are not what
/// they must be; refused until the process is restarted and the key proves itself.
enum class KeyState { active, quarantined };
std::string_view to_string(KeyState state);

/// A private key of the token whose public half is known.
struct KeyInfo {
  KeyId id;
  std::string label;  ///< for people; nothing is ever found by it
  KeyType type;
  Grade grade;
  KeyState state;
  Bytes spki;           ///< DER SubjectPublicKeyInfo
  std::string problem;  ///< why it is quarantined, in words; empty when active
};

struct TokenStatus {
  bool ready = false;
  std::string problem;  ///< why not ready, in words; empty when ready
  std::string label;
  std::string serial;
  std::string module;  ///< path of the PKCS#11 module
  std::string manufacturer;
  unsigned generation = 0;  ///< how many times the token was opened anew
  unsigned sessions = 0;    ///< signatures that can be made at the same time
};

/// Makes keys and signatures in the token.
/// Owns: whatever it takes to reach the token; callers hold nothing of it.
/// Threads: share it freely; `sign` runs on as many sessions as configured, first come first served.
/// Errors: hsm_busy (no session before the deadline), hsm_unavailable (token gone, login refused,
/// key quarantined, or not in the token: then it is looked for again when it is asked for, after a pause).
class Signer {
 public:
  virtual ~Signer() = default;

  /// Private keys whose SPKI is known. Those with wrong attributes, or two with one SPKI, are listed
  /// as quarantined.
  virtual Result<std::vector<KeyInfo>> list_keys() = 0;
  virtual Result<KeyInfo> find_key(const KeyId& id) = 0;
  /// The same for one that need not be there: the token is looked at now, for what another program may have made or
  /// destroyed a moment ago. Errors: not_found as well.
  virtual Result<KeyInfo> look_for(const KeyId& id) = 0;

  /// Makes a key pair in the token: CKA_TOKEN, CKA_PRIVATE, CKA_SENSITIVE, not CKA_EXTRACTABLE,
  /// CKA_SIGN only; the attributes are read back and the key proven by a signature before it is
  /// returned. Refuses (conflict) a label that a key of the token already has.
  virtual Result<KeyInfo> generate_key(KeyType type, std::string_view label) = 0;

  /// Signature over the whole `message`, hashed here. ECDSA: r || s. Verified with the key's public
  /// half before it is returned: what comes back is good, or it is an error.
  virtual Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) = 0;
  /// The same over a hash that somebody else has made: nobody here knows of what. For the hub's TLS keys alone, which
  /// sign handshakes of other programs (decision 078). Errors: bad_request as well: a digest of another length.
  virtual Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) = 0;

  /// Signs and verifies a fresh challenge: the key is there, and it is the one it claims to be.
  virtual Result<> prove_key(const KeyId& id) = 0;

  /// Destroys every private key of the token that proves to be this one, its public half, and their copies in our
  /// sessions, for good. `label` is where else to look; what only bears it is left alone. `begin` is asked before the
  /// first of them goes, and where one is found that cannot be told: that is hsm_unavailable, the message names it.
  /// not_found when the token shows nothing that is or may be this key. It may show it later: who knows which keys
  /// should be there, and whether this one's destruction had begun, decides what that means.
  using Begin = std::function<Result<>()>;
  virtual Result<> destroy_key(const KeyId& id, std::string_view label, const Begin& begin = {}) = 0;

  /// A few bytes under a label of ours that the token keeps (a private CKO_DATA object): nothing, one value, or two
  /// after a write that was cut short.
  virtual Result<std::vector<Bytes>> read_data(std::string_view label) = 0;
  /// The labels of all of them, also of those that another program of ours has left there.
  virtual Result<std::vector<std::string>> data_labels() = 0;
  virtual Result<> erase_data(std::string_view label) = 0;
  virtual Result<> write_data(std::string_view label, ByteView value) = 0;

  virtual TokenStatus status() = 0;
};

}  // namespace hubseal::hsm
