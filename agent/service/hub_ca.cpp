#include "agent/service/hub_ca.h"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/service/certificate.h"
#include "agent/service/issued_certificate.h"
#include "agent/service/pem.h"
#include "agent/service/validation.h"
#include "agent/service/x509_info.h"
#include "common/json.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::chrono::seconds kVerdictsHold{60};

Result<HubCa::Shown> judge(const SigningDaemon::Ca& ca, TimePoint now) {
  std::vector<std::string> up_to_root =
      TRY(blocks_of(ca.certificate + "\n" + ca.chain, "chain", kMaxChainCertificates + 1));
  if (up_to_root.empty()) return fail(Code::bad_request, "a CA without a certificate");
  HubCa::Shown shown;
  shown.certificate = up_to_root.front();
  shown.root = up_to_root.back();
  up_to_root.pop_back();
  shown.intermediates = fmt::format("{}", fmt::join(up_to_root, "\n"));
  const CaChain chain = TRY(CaChain::parse(shown.root, shown.intermediates));
  const auto validations = validate_ca(chain, now);
  shown.root_info_json = dump_json(certificate_info(chain.root->get()));
  shown.validations_json = dump_json(to_json(validations));
  shown.validation_state = to_string(overall(validations));
  return shown;
}

}  // namespace

// Whoever is at the door asks for it, and it changes once in years: what was judged a moment ago is known by its text.
Result<std::shared_ptr<const HubCa::Shown>> HubCa::shown() {
  const auto ca = daemon_.get_ca(ca_name_);
  if (!ca && ca.error().code == Code::not_found) return nullptr;
  if (!ca) return tl::unexpected(ca.error());
  if (!ca->issues) return nullptr;
  const TimePoint now = clock_.now();
  const auto holds = [&](const Last& last) {
    return last.ca.certificate == ca->certificate && last.ca.chain == ca->chain && now >= last.judged_at &&
           now - last.judged_at < kVerdictsHold;
  };
  if (auto last = last_.lock(); *last && holds(**last)) return (*last)->shown;
  auto judged = judge(*ca, now);
  if (!judged) return fail(Code::internal, "the signing daemon's answer: " + judged.error().message);
  auto shown = std::make_shared<const Shown>(*std::move(judged));
  *last_.lock() = Last{*ca, now, shown};
  return shown;
}

Result<std::shared_ptr<const HubCa::Shown>> HubCa::confirm(const Name& wanted) {
  auto ca = TRY(shown());
  if (!ca)
    return fail(
        Code::not_found,
        fmt::format("there is no hub CA \"{}\" that can sign. Its key is made in the ceremony on the signing host, "
                    "never over REST; create it there with: hubseal ca create {} --help",
                    ca_name_, ca_name_));
  const IssuedCertificate certificate = TRY(IssuedCertificate::parse(ca->certificate));
  const Json found = name_info(X509_get_subject_name(certificate.get()));
  for (const auto& [attribute, value] : wanted) {
    const std::string existing = found.contains(attribute) ? found[attribute].get<std::string>() : "";
    if (existing != value)
      return fail(Code::conflict,
                  fmt::format("the hub CA exists with {}=\"{}\"; wanted {}=\"{}\". It is never replaced over REST",
                              attribute, log::printable(existing), attribute, log::printable(value)));
  }
  return ca;
}

}  // namespace hubseal::agent
