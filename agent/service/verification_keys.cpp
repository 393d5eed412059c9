#include "agent/service/verification_keys.h"

#include <algorithm>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/public_key.h"
#include "agent/service/signing_daemon.h"
#include "agent/store/dfsp_table.h"
#include "common/jose/jwk.h"
#include "common/key_types.h"
#include "common/log.h"
#include "common/x509/pem.h"

namespace hubseal::agent {
namespace {

Result<VerificationKeys::Key> as_shown(std::string_view sent) {
  const PkeyPtr key = TRY(parse_public_key(sent));
  Json jwk = TRY(jose::to_jwk(key.get()));
  std::string kid = jose::thumbprint(jwk);
  jwk["kid"] = kid;
  jwk["use"] = "sig";
  // An RSA key signs by any of RS256, RS384 and RS512 (JWS-2), and its owner has not said by which.
  if (const KeyType type = TRY(key_type_of(key.get())); !is_rsa(type))
    jwk["alg"] = jose::jws_algorithm(jose::signature_algorithm(type));
  return VerificationKeys::Key{x509::pem_of_der(TRY(spki_of(key.get())), "PUBLIC KEY"), std::move(kid), std::move(jwk)};
}

}  // namespace

Result<std::set<std::string>> VerificationKeys::inactive() {
  auto found = daemon_.inactive_subjects();
  auto last = last_inactive_.lock();
  if (found) *last = *found;
  if (!found && *last) return **last;
  return found;
}

Result<VerificationKeys::Key> VerificationKeys::shown(const std::string& sent, std::map<std::string, Key>& kept) {
  std::optional<Key> before;
  if (auto all = shown_.lock(); all->contains(sent)) before = all->at(sent);
  Key key = before ? *before : TRY(as_shown(sent));
  kept.emplace(sent, key);
  return key;
}

Result<std::vector<VerificationKeys::Owner>> VerificationKeys::all() {
  const auto stopped = TRY(inactive());
  std::map<std::string, Owner> owners;
  std::map<std::string, Key> kept;
  for (const JwsKeys::Key& sent : TRY(keys_.list())) {
    if (stopped.contains(store::folded(sent.dfsp_id))) continue;
    auto key = shown(sent.public_key, kept);
    if (!key) {
      log::warning("a JWS key is left out of what verifiers are given",
                   {{"dfsp", sent.dfsp_id}, {"problem", key.error().message}});
      continue;
    }
    Owner& owner = owners[sent.dfsp_id];
    owner.id = sent.dfsp_id;
    owner.keys.push_back(*std::move(key));
  }
  *shown_.lock() = std::move(kept);
  std::vector<Owner> all;
  for (auto& [id, owner] : owners) all.push_back(std::move(owner));
  return all;
}

Result<VerificationKeys::Owner> VerificationKeys::of(std::string_view id) {
  for (Owner& owner : TRY(all()))
    if (owner.id == id) return std::move(owner);
  return fail(Code::not_found, fmt::format("there is no key to verify messages of {} with", log::printable(id, 80)));
}

}  // namespace hubseal::agent
