// Messages of the hub: their signatures, and the connections that they take.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/conformance/checks.h"

namespace hubseal::cli::conformance::checks {
namespace {

bool is_short_rsa(const std::string& type) { return type == "rsa_2048" || type == "rsa_3072"; }

/// The JWS keys that are there. Without one no message is signed here, and the rules for who signs have nothing to
/// hold.
std::vector<Key> jws_keys(Finding& finding, const Installation& found) {
  std::vector<Key> keys;
  if (!found.keys) {
    finding.unseen("keys", found.keys.error());
    return keys;
  }
  for (const Key& key : *found.keys)
    if (key.use == "jws" && key.state != "destroyed") keys.push_back(key);
  if (keys.empty()) finding.note("no key of use jws: nothing is signed for messages here");
  return keys;
}

/// For what the signer of messages does not do yet.
Finding missing(const Installation& found, const char* what) {
  Finding finding;
  if (!jws_keys(finding, found).empty()) finding.bad(what);
  return finding;
}

}  // namespace

Finding tls(const Installation&) {
  Finding finding;
  finding.add(
      Mark::unseen,
      "hubseal-agent's listener (versions, cipher suites, certificates of clients) is not seen through hubseald: "
      "[tls] of agent.toml");
  return finding;
}

Finding signature_object(const Installation& found) {
  return missing(found, "sign_jws makes plain JWS, detached on request; the object FSPIOP-Signature is missing");
}

Finding protected_header(const Installation& found) {
  Finding finding;
  const auto keys = jws_keys(finding, found);
  for (const Key& key : keys)
    if (is_short_rsa(key.type))
      finding.good(fmt::format("key {}: {}", key.label, key.type));
    else
      finding.lacking(fmt::format("key {}: {}; wanted rsa_2048 or rsa_3072", key.label, key.type));
  const Profile* profile = found.policy ? found.policy->find("jws") : nullptr;
  if (profile) {
    std::vector<std::string> others;
    std::copy_if(profile->key_types.begin(), profile->key_types.end(), std::back_inserter(others),
                 [](const std::string& type) { return !is_short_rsa(type); });
    if (others.empty())
      finding.good(fmt::format("profile jws: {}", fmt::join(profile->key_types, ", ")));
    else
      finding.lacking(fmt::format("profile jws allows {}; wanted rsa_2048 or rsa_3072", fmt::join(others, ", ")));
  }
  if (!keys.empty())
    finding.lacking(
        "the protected header holds alg and kid; FSPIOP-URI, FSPIOP-HTTP-Method and FSPIOP-Source are missing");
  return finding;
}

Finding message_uri(const Installation& found) { return missing(found, "no signature made here holds an FSPIOP-URI"); }

Finding requests_only(const Installation& found) {
  return missing(found, "sign_jws signs any payload; it does not tell requests from responses");
}

Finding verifier(const Installation&) {
  Finding finding;
  finding.bad("HubSeal verifies no messages");
  return finding;
}

Finding validator_of_participants(const Installation& found) {
  return missing(found, "sign_jws makes plain JWS, which is not the form that its validator reads");
}

Finding json_web_keys(const Installation& found) {
  Finding finding;
  for (const Key& key : jws_keys(finding, found)) {
    if (!key.kid || !key.thumbprint) {
      finding.note(fmt::format("key {} is {}: no JWK of it", key.label, key.state));
      continue;
    }
    finding.judge(fmt::format("key {}: kid {}", key.label, *key.kid),
                  *key.kid == *key.thumbprint ? std::vector<std::string>()
                                              : std::vector<std::string>{"wanted its thumbprint " + *key.thumbprint});
  }
  return finding;
}

}  // namespace hubseal::cli::conformance::checks
