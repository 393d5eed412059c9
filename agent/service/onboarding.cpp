#include "agent/service/onboarding.h"

#include <set>

#include <fmt/ranges.h>

#include "agent/service/certificate.h"
#include "agent/service/confirmed_endpoints.h"
#include "agent/service/dfsp_cas.h"
#include "agent/service/dfsps.h"
#include "agent/service/outbound_enrollments.h"
#include "agent/service/pkcs11_uri.h"
#include "agent/service/public_key.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/validation.h"
#include "common/log.h"
#include "common/x509/pem.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::agent {
namespace {

constexpr int kMaxRounds = 4;

/// What stands between a participant and its gateway. Everything is looked at, so that nobody mends one thing to be
/// told of the next.
struct Missing {
  std::vector<std::string> things;

  /// The value, or, where the participant is at fault, a default one and the reason for the list.
  template <class T>
  Result<T> take(Result<T> found) {
    if (found || found.error().code != Code::conflict) return found;
    things.push_back(found.error().message);
    return T();
  }
};

Result<std::vector<std::string>> some(Result<std::vector<std::string>> found, const char* wanted) {
  if (found && found->empty()) return fail(Code::conflict, wanted);
  return found;
}

/// As written here and not as it was sent: a template gets certificates and nothing that stood around them.
std::string pem_of(X509* certificate) {
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* end = der.data();
  i2d_X509(certificate, &end);
  return x509::pem_of_der(der, "CERTIFICATE");
}

Result<std::string> ca_bundle(const CaChain& ca, TimePoint now) {
  if (!ca.root) return fail(Code::conflict, "the participant's CA, with its root (POST /ca)");
  std::vector<std::string> bad;
  for (const Validation& validation : validate_ca(ca, now))
    if (validation.verdict == Verdict::invalid) bad.push_back(validation.code + ": " + validation.message);
  if (!bad.empty())
    return fail(Code::conflict, fmt::format("a VALID CA of the participant ({})", fmt::join(bad, ", ")));
  std::string bundle;
  for (const Certificate& certificate : ca.intermediates) bundle += pem_of(certificate.get());
  return bundle + pem_of(ca.root->get());
}

std::string host_of(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (!url.starts_with('[')) url = url.substr(0, url.find(':'));
  return std::string(url);
}

/// The one host of all the URLs. It is what the participant's URLs say and people have confirmed; what the participant
/// wrote into the certificate that it made for the hub is nobody's business here.
Result<std::string> fqdn_of(const std::vector<std::string>& urls) {
  std::set<std::string> hosts;
  for (const std::string& url : urls) {
    auto name = x509::canonical_dns(host_of(url));
    if (!name || x509::is_wildcard(*name))
      return fail(Code::conflict, fmt::format("a host name in the confirmed URL {}", log::printable(url)));
    hosts.insert(*std::move(name));
  }
  if (hosts.size() == 1) return *hosts.begin();
  return fail(Code::conflict, fmt::format("one host in the confirmed URLs, which have {}", fmt::join(hosts, ", ")));
}

}  // namespace

struct Onboarding::Publication {
  publish::Bundle bundle;
  publish::Whitelists whitelists;

  bool operator==(const Publication&) const = default;
};

Result<std::string> Onboarding::key_uri(const std::string& label, const Certificate& certificate) {
  const auto key = daemon_.get_public_key(label);
  if (!key && key.error().code == Code::not_found)
    return fail(Code::conflict,
                fmt::format("the key \"{}\" of the hub's certificate, which the HSM does not have", label));
  if (!key) return tl::unexpected(key.error());
  if (key->key.state != "active")
    return fail(Code::conflict, fmt::format("an active key: \"{}\" of the hub's certificate is not", label));
  // Which key it is stands in the agent's database, which is no reason to send a gateway to the CA's.
  if (key->key.use != "tls")
    return fail(Code::conflict,
                fmt::format("a key for TLS: \"{}\" of the hub's certificate is for {}", label, key->key.use));
  const auto held = parse_public_key(key->pem);
  if (!held) return fail(Code::internal, "the signing daemon's answer: " + held.error().message);
  if (EVP_PKEY_eq(held->get(), certificate.key()) != 1)
    return fail(Code::conflict, fmt::format("a certificate for the key \"{}\" as it is in the HSM", label));
  return private_key_uri(TRY(daemon_.token_label()), label);
}

/// Of all participants. What is not good with one of them is left out and told in the log: it keeps no other from being
/// published.
Result<publish::Whitelists> Onboarding::whitelists() {
  publish::Whitelists all;
  for (const std::string& dfsp_id : TRY(dfsps_.ids())) {
    auto addresses = endpoints_.egress_addresses(dfsp_id);
    if (addresses) {
      if (!addresses->empty()) all.emplace(dfsp_id, *std::move(addresses));
      continue;
    }
    if (addresses.error().code != Code::conflict) return tl::unexpected(addresses.error());
    log::warning("a DFSP's confirmed addresses are left out of the list for gateways",
                 {{"dfsp", dfsp_id}, {"problem", addresses.error().message}});
  }
  return all;
}

Result<Onboarding::Publication> Onboarding::prepare(const std::string& dfsp_id) {
  const store::Dfsp dfsp = TRY(dfsps_.get(dfsp_id));
  Missing missing;
  Publication publication;
  publish::Bundle& bundle = publication.bundle;
  bundle.dfsp_id = dfsp.id;
  bundle.currency = dfsp.monetary_zone;
  bundle.fxp_currencies = dfsp.fxp_currencies;
  bundle.is_proxy = dfsp.is_proxy.value_or(false);
  bundle.ca_bundle = TRY(missing.take(ca_bundle(TRY(dfsp_cas_.chain(dfsp.id)), clock_.now())));
  if (const auto enrollment = TRY(outbound_.in_use(dfsp.id))) {
    const Certificate certificate = TRY(Certificate::parse(*enrollment->usable_certificate));
    bundle.client_cert_chain = pem_of(certificate.get()) + bundle.ca_bundle;
    bundle.client_key = TRY(missing.take(key_uri(enrollment->key_label, certificate)));
  } else {
    missing.things.emplace_back(
        "a certificate for the hub that is VALID, leads to the participant's CA and is for TLS clients: "
        "extendedKeyUsage "
        "with clientAuth or none, keyUsage with digitalSignature or none, CA:FALSE (enrollments/outbound)");
  }
  bundle.ingress_urls = TRY(missing.take(
      some(endpoints_.ingress_urls(dfsp.id), "a confirmed URL at which the participant receives (ingress)")));
  if (!bundle.ingress_urls.empty()) bundle.fqdn = TRY(missing.take(fqdn_of(bundle.ingress_urls)));
  bundle.whitelist = TRY(missing.take(
      some(endpoints_.egress_addresses(dfsp.id), "a confirmed address from which the participant calls (egress)")));
  if (!missing.things.empty())
    return fail(Code::conflict,
                fmt::format("DFSP {} cannot be onboarded yet; wanted: {}", dfsp.id, fmt::join(missing.things, "; ")));
  if (publisher_->wants_whitelists()) publication.whitelists = TRY(whitelists());
  return publication;
}

Result<> Onboarding::publish(const Caller& caller, const std::string& dfsp_id) {
  if (!publisher_)
    return fail(
        Code::conflict,
        "this hub publishes nothing to gateways: wanted a folder or a Vault in [publish] of the agent's configuration");
  // Somebody else may publish what was true a moment before, and later than we: whoever comes last looks once more, and
  // so no lock is needed that several agents would have to share.
  std::optional<Publication> published;
  for (int round = 0; round < kMaxRounds; ++round) {
    Publication now = TRY(prepare(dfsp_id));
    if (published == now) return {};
    TRY(publisher_->publish(now.bundle, now.whitelists));
    log::info("bundle for gateways published", {{"dfsp", dfsp_id},
                                                {"fqdn", now.bundle.fqdn},
                                                {"key", now.bundle.client_key},
                                                {"addresses", std::to_string(now.bundle.whitelist.size())},
                                                {"caller", caller.who()},
                                                {"correlation", caller.correlation_id}});
    published = std::move(now);
  }
  return fail(Code::conflict,
              fmt::format("DFSP {} changed while it was published, again and again; onboard it anew", dfsp_id));
}

}  // namespace hubseal::agent
