#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/service/jws_certificates.h"
#include "agent/store/jws_key_table.h"
#include "common/clock.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

class HubJwsKey;

// All that is stored is in a list that every participant fetches again and again.
constexpr std::size_t kMaxJwsKeyBytes = 4096;
constexpr std::size_t kMaxJwsCertificateBytes = 8192;
constexpr std::size_t kMaxJwsChainBytes = 16384;
constexpr std::size_t kMaxOverrideBytes = 512;

/// The public keys that messages are verified with. What a client says of a key's age is given back and decides
/// nothing: the key that came last is the participant's. Callers have made sure that the DFSP exists.
class JwsKeys {
 public:
  using Key = store::JwsKey;

  /// What a participant must show of a key before it counts; each takes what the next one does.
  enum class Accept { any, proof, certificate };

  struct Policy {
    std::optional<std::string> hub_id;  ///< in what participants sign; without it nobody can prove anything
    Accept accept = Accept::any;
  };

  /// A key as it was sent.
  struct Sent {
    std::string dfsp_id;
    std::optional<std::string> public_key;  ///< this or `certificate`, or both where they are of one key
    std::optional<std::string> created_at_json;
    std::optional<std::string> certificate = {};
    std::optional<std::string> intermediate_chain = {};
    std::optional<std::string> nonce = {};  ///< of the challenge that the proofs are about
    std::optional<std::string> proof = {};
    std::optional<std::string> proof_by_current_key = {};
    std::optional<std::string> override_reason = {};  ///< why there is no proof by the current key
  };

  /// What is to be signed (jws_key_proof.h).
  struct Challenge {
    std::string hub_id;
    std::string nonce;
    TimePoint expires_at;
  };

  JwsKeys(store::JwsKeyTable& table, HubJwsKey& hub, JwsCertificates certificates, const Clock& clock, Policy policy)
      : table_(table), hub_(hub), certificates_(std::move(certificates)), clock_(clock), policy_(std::move(policy)) {}

  /// What everybody may verify with: the hub's, then those that are VALID now. Errors: HubJwsKey::known()'s.
  Result<std::vector<Key>> list();
  /// Errors: not_found.
  Result<Key> get(std::string_view dfsp_id);
  /// For its next key. Errors: conflict: it is the hub, or the hub has no id.
  Result<Challenge> challenge(std::string_view dfsp_id);
  /// Stores the participant's key in place of the one before: good or bad where any is accepted and nothing else was
  /// sent; otherwise what is good, and shown to be the participant's as the policy wants it. A key in force is then
  /// followed by another only if it has signed that one, if hubseald has certified that one, or if the hub's
  /// administrators say so. A repetition of a bare key changes nothing.
  /// Errors: bad_request: neither key nor certificate; policy_denied, saying what is missing or wrong; conflict: it is
  /// the hub, whose key is in the HSM, or the key was replaced at the same moment; forbidden: an override by somebody
  /// else; JwsCertificates::judge()'s.
  Result<Key> put(const Caller& caller, const Sent& sent);
  /// Whether there was one or not. Errors: forbidden: where keys are to be proven, it is the hub's administrators'.
  Result<> remove(const Caller& caller, std::string_view dfsp_id);

  /// Keys of participants of other schemes, as store::JwsKeyTable::put_external has it; the hub's own id is left out,
  /// too. Errors: bad_request (no key, a name that cannot be one), conflict.
  Result<std::vector<Key>> put_external(const Caller& caller, const std::vector<Sent>& sent,
                                        const std::optional<std::string>& source);

 private:
  /// A key on its way in.
  struct Candidate {
    Key key;
    PkeyPtr public_key;  ///< null: it is none
    bool of_hub_ca = false;
    std::optional<std::string> nonce = {};  ///< that a signature was about
    bool overridden = false;
  };

  Result<> refuse_hub(std::string_view dfsp_id) const;
  Result<Candidate> candidate(const Sent& sent);
  Result<Candidate> certified(const Sent& sent);
  /// Checks a signature that came in `member`, by `key`.
  Result<> prove(Candidate& candidate, const Sent& sent, std::string_view member, const std::string& proof,
                 EVP_PKEY* key) const;
  /// What was shown of the same key before.
  void keep(Key& key, const Key& before);
  /// Whether `candidate` may follow the key that is there.
  Result<> vouch(const Caller& caller, Candidate& candidate, const Sent& sent, const Key& before);
  Result<> store(const Caller& caller, const Candidate& wanted, const Sent& sent, const std::optional<Key>& before);

  store::JwsKeyTable& table_;
  HubJwsKey& hub_;
  JwsCertificates certificates_;
  const Clock& clock_;
  const Policy policy_;
};

}  // namespace hubseal::agent
