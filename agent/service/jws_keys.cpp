#include "agent/service/jws_keys.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/dfsps.h"
#include "agent/service/hub_jws_key.h"
#include "agent/service/jws_key_proof.h"
#include "agent/service/public_key.h"
#include "agent/service/validation.h"
#include "common/jose/fspiop_signature.h"
#include "common/log.h"
#include "common/random.h"

namespace hubseal::agent {
namespace {

constexpr std::chrono::minutes kChallengeHolds{15};

void set_verdicts(JwsKeys::Key& key, const std::vector<Validation>& validations) {
  key.validations_json = dump_json(to_json(validations));
  key.validation_state = to_string(overall(validations));
}

JwsKeys::Key bare(const JwsKeys::Sent& sent) {
  JwsKeys::Key key;
  key.dfsp_id = sent.dfsp_id;
  key.public_key = sent.public_key.value_or("");
  key.created_at_json = sent.created_at_json;
  set_verdicts(key, validate_jws_key(key.public_key));
  return key;
}

bool is_administrator(const Caller& caller) { return !caller.identity || caller.identity->is(auth::Role::pta); }

}  // namespace

Result<std::vector<JwsKeys::Key>> JwsKeys::list() {
  auto keys = TRY(table_.list());
  std::erase_if(keys, [this](Key& key) {
    certificates_.add_to(key);
    return hub_.is_hub(key.dfsp_id) || key.validation_state != to_string(Verdict::valid);
  });
  const auto hubs = TRY(hub_.known());
  keys.insert(keys.begin(), hubs.begin(), hubs.end());
  return keys;
}

Result<JwsKeys::Key> JwsKeys::get(std::string_view dfsp_id) {
  auto found = TRY(table_.find(dfsp_id));
  if (!found) return fail(Code::not_found, fmt::format("DFSP {} has no JWS key", dfsp_id));
  certificates_.add_to(*found);
  return *std::move(found);
}

Result<> JwsKeys::refuse_hub(std::string_view dfsp_id) const {
  if (!hub_.is_hub(dfsp_id)) return {};
  return fail(Code::conflict, fmt::format("{} is the hub itself, whose JWS key is in its HSM", dfsp_id));
}

Result<JwsKeys::Challenge> JwsKeys::challenge(std::string_view dfsp_id) {
  TRY(refuse_hub(dfsp_id));
  if (!policy_.hub_id)
    return fail(Code::conflict, "there is nothing to sign: the hub has no id ([hub] id of the agent's configuration)");
  const TimePoint now = clock_.now();
  Challenge challenge{*policy_.hub_id, TRY(random_secret()), now + kChallengeHolds};
  TRY(table_.add_challenge(std::string(dfsp_id), challenge.nonce, now, challenge.expires_at));
  return challenge;
}

Result<JwsKeys::Candidate> JwsKeys::certified(const Sent& sent) {
  auto judged = TRY(certificates_.judge(sent.dfsp_id, *sent.certificate, sent.intermediate_chain.value_or("")));
  Candidate candidate{bare(sent), TRY(parse_public_key(judged.public_key)), judged.of_hub_ca};
  if (sent.public_key) {
    const PkeyPtr other = TRY(parse_public_key(*sent.public_key));
    if (EVP_PKEY_eq(candidate.public_key.get(), other.get()) != 1)
      return fail(Code::policy_denied, "publicKey is another key than that of the certificate; wanted one of them");
  } else {
    candidate.key.public_key = std::move(judged.public_key);
  }
  candidate.key.possession = store::kCertified;
  candidate.key.certificate = sent.certificate;
  candidate.key.intermediate_chain = sent.intermediate_chain;
  set_verdicts(candidate.key, judged.validations);
  return candidate;
}

Result<JwsKeys::Candidate> JwsKeys::candidate(const Sent& sent) {
  if (sent.certificate) return certified(sent);
  if (!sent.public_key)
    return fail(Code::bad_request, "request.body should have required property 'publicKey', or 'certificate'");
  if (policy_.accept == Accept::certificate)
    return fail(Code::policy_denied,
                "publicKey: this hub takes keys for JWS in certificates alone; wanted \"certificate\"");
  Candidate candidate{bare(sent), nullptr};
  if (auto key = parse_public_key(candidate.key.public_key)) candidate.public_key = *std::move(key);
  if (policy_.accept == Accept::any && !sent.proof) return candidate;
  TRY(refuse_invalid(validate_jws_key(candidate.key.public_key), "publicKey"));
  if (const auto fit = jose::fspiop_key_type(candidate.public_key.get()); !fit)
    return fail(Code::policy_denied, fmt::format("publicKey: {}", fit.error().message));
  if (!sent.proof)
    return fail(Code::policy_denied, fmt::format("proof: it is missing. Wanted a signature with the new key (GET "
                                                 "/api/dfsps/{}/jwscerts/challenge), or a certificate",
                                                 sent.dfsp_id));
  return candidate;
}

Result<> JwsKeys::prove(Candidate& candidate, const Sent& sent, std::string_view member, const std::string& proof,
                        EVP_PKEY* key) const {
  if (!policy_.hub_id)
    return fail(Code::conflict, fmt::format("{}: nothing can be proven here: the hub has no id", member));
  if (!candidate.public_key)
    return fail(Code::policy_denied, "publicKey: it is none, and so nothing can be said of it");
  if (!sent.nonce)
    return fail(Code::policy_denied,
                fmt::format("nonce: it is missing; wanted that of the challenge which {} signs", member));
  const KeyId id = TRY(key_id_of(candidate.public_key.get()));
  TRY(check_proof(member, proof, key, {*policy_.hub_id, sent.dfsp_id, id, *sent.nonce}));
  candidate.nonce = sent.nonce;
  return {};
}

// Software of banks sends a bare key every day. That takes no proof away, and no certificate: who revokes that stops
// the key. One that has merely ended holds nobody to it.
void JwsKeys::keep(Key& key, const Key& before) {
  key.override_by = before.override_by;
  key.override_reason = before.override_reason;
  if (key.certificate || certificates_.has_ended(before)) return;
  if (before.certificate || key.possession == store::kUnproven) key.possession = before.possession;
  if (!before.certificate) return;
  key.certificate = before.certificate;
  key.intermediate_chain = before.intermediate_chain;
  key.validations_json = before.validations_json;
  key.validation_state = before.validation_state;
}

// Whoever has stolen a participant's login has not its key.
Result<> JwsKeys::vouch(const Caller& caller, Candidate& candidate, const Sent& sent, const Key& before) {
  const auto current = parse_public_key(before.public_key);
  const bool same = current && EVP_PKEY_eq(current->get(), candidate.public_key.get()) == 1;
  if (same) keep(candidate.key, before);
  if (sent.proof_by_current_key && current) {
    if (!TRY(certificates_.is_stopped(before)))
      return prove(candidate, sent, "proofByCurrentKey", *sent.proof_by_current_key, current->get());
    return fail(Code::policy_denied,
                "proofByCurrentKey: the current key's certificate is revoked or on hold, and its signature says "
                "nothing; wanted a certificate of the hub's CA, or an override by the hub's administrators");
  }
  const bool in_force = before.validation_state == to_string(Verdict::valid);
  if (policy_.accept == Accept::any || !in_force || candidate.of_hub_ca) return {};
  // A key whose certificate is revoked does not come back without one.
  if (same && !TRY(certificates_.is_stopped(before))) return {};
  if (!sent.override_reason)
    return fail(Code::policy_denied,
                "proofByCurrentKey: it is missing. The key in force has to sign that this one follows it; where it "
                "cannot, wanted a certificate of the hub's CA, or an override by the hub's administrators");
  if (!is_administrator(caller))
    return fail(Code::forbidden, "override: it is for the hub's administrators; wanted proofByCurrentKey");
  candidate.key.override_by = caller.who();
  candidate.key.override_reason = sent.override_reason;
  candidate.overridden = true;
  return {};
}

Result<JwsKeys::Key> JwsKeys::put(const Caller& caller, const Sent& sent) {
  TRY(refuse_hub(sent.dfsp_id));
  Candidate wanted = TRY(candidate(sent));
  if (sent.proof) {
    TRY(prove(wanted, sent, "proof", *sent.proof, wanted.public_key.get()));
    if (!wanted.key.certificate) wanted.key.possession = store::kProven;
  }
  const auto before = TRY(table_.find(sent.dfsp_id));
  if (before) TRY(vouch(caller, wanted, sent, *before));
  if (wanted.nonce || before != wanted.key) TRY(store(caller, wanted, sent, before));
  certificates_.add_to(wanted.key);
  return wanted.key;
}

Result<> JwsKeys::store(const Caller& caller, const Candidate& wanted, const Sent& sent,
                        const std::optional<Key>& before) {
  TRY(table_.replace(before, wanted.key, wanted.nonce, clock_.now()));
  log::info("JWS key of a DFSP stored", {{"dfsp", wanted.key.dfsp_id},
                                         {"verdict", wanted.key.validation_state},
                                         {"possession", wanted.key.possession},
                                         {"correlation", caller.correlation_id}});
  if (wanted.overridden)
    log::warning("JWS key of a DFSP replaced without a signature of the one before",
                 {{"dfsp", wanted.key.dfsp_id},
                  {"by", caller.who()},
                  {"reason", log::printable(*sent.override_reason)},
                  {"correlation", caller.correlation_id}});
  return {};
}

Result<> JwsKeys::remove(const Caller& caller, std::string_view dfsp_id) {
  // Otherwise the next one would follow none, and need nobody's word.
  if (policy_.accept != Accept::any && !is_administrator(caller))
    return fail(Code::forbidden, "a key for JWS is replaced here, not taken away; wanted the hub's administrators");
  TRY(table_.remove(dfsp_id));
  log::info("JWS key of a DFSP removed", {{"dfsp", std::string(dfsp_id)}, {"correlation", caller.correlation_id}});
  return {};
}

Result<std::vector<JwsKeys::Key>> JwsKeys::put_external(const Caller& caller, const std::vector<Sent>& sent,
                                                        const std::optional<std::string>& source) {
  if (sent.empty()) return fail(Code::bad_request, "the list is empty; wanted at least one key");
  std::vector<Key> keys;
  for (const Sent& one : sent) {
    TRY(check_dfsp_id(one.dfsp_id));
    if (!hub_.is_hub(one.dfsp_id)) keys.push_back(bare(one));
  }
  auto stored = TRY(table_.put_external(keys, source, clock_.now()));
  if (stored.size() != sent.size())
    log::info("external JWS keys left out: their names are participants' or were brought by others",
              {{"source", source.value_or("hub")},
               {"count", std::to_string(sent.size() - stored.size())},
               {"correlation", caller.correlation_id}});
  return stored;
}

}  // namespace hubseal::agent
