#include "agent/service/scheme_metrics.h"

#include "agent/metrics/exposition.h"
#include "agent/metrics/pings.h"
#include "agent/service/certificate.h"
#include "agent/service/connectivity.h"
#include "agent/service/key_consumers.h"
#include "agent/service/signing_daemon.h"
#include "common/clock.h"

#include <openssl/asn1.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <optional>

namespace hubseal::agent {
namespace {

using metrics::Exposition;
using metrics::Kind;
using store::Connectivity;

std::optional<double> end_of(std::string_view pem) {
  const auto certificate = Certificate::parse(pem);
  tm parts{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate->get()), &parts) != 1) return std::nullopt;
  return static_cast<double>(::timegm(&parts));
}

double seconds(TimePoint time) { return static_cast<double>(time.time_since_epoch().count()); }

/// What a connector says of a task, as a number; 0 is done.
double state_number(std::string_view status) {
  return static_cast<double>(std::find(kConnectorStatuses.begin(), kConnectorStatuses.end(), status) -
                             kConnectorStatuses.begin());
}

void write_pings(Exposition& page, const std::vector<Connectivity>& dfsps) {
  page.family("mcm_api_dfsp_status_state", Kind::gauge,
              "What the ping server said last: 0 SUCCESS, 1 NOT_REACHABLE, 2 JWS_FAILED, 3 TIMED_OUT, 4 PING_ERROR.");
  for (const Connectivity& dfsp : dfsps)
    if (dfsp.ping_status) page.sample(metrics::ping_number(*dfsp.ping_status), {{"dfsp", dfsp.dfsp_id}});
  page.family("hubseal_agent_dfsp_ping_timestamp_seconds", Kind::gauge, "When it said that, since 1970.");
  for (const Connectivity& dfsp : dfsps)
    if (const auto at = parse_utc(dfsp.ping_status_at); at && dfsp.ping_status)
      page.sample(seconds(*at), {{"dfsp", dfsp.dfsp_id}});
}

void write_states(Exposition& page, const std::vector<Connectivity>& dfsps) {
  page.family("hubseal_agent_dfsp_connector_state", Kind::gauge,
              "What a DFSP's connector says of a task: 0 completed, 1 inProgress, 2 pending, 3 inError.");
  for (const Connectivity& dfsp : dfsps)
    for (const store::ConnectorState& state : dfsp.states)
      page.sample(state_number(state.status), {{"dfsp", dfsp.dfsp_id}, {"state", state.state}});
}

}  // namespace

void SchemeMetrics::write(Exposition& page) {
  auto kept = kept_.lock();
  if (kept->text.empty() || kept->until < std::chrono::steady_clock::now()) {
    kept->text = gather();
    kept->until = std::chrono::steady_clock::now() + keep_;
  }
  page.append(kept->text);
}

std::string SchemeMetrics::gather() {
  Exposition page;
  Exposition scheme;
  auto written = write_participants(scheme);
  if (written) written = write_enrollments(scheme);
  if (written) written = write_jws_keys(scheme);
  if (written) written = write_hub_server(scheme);
  page.single("hubseal_agent_store_up", Kind::gauge, "Whether the database answers.", written ? 1 : 0);
  // What is not known is not said: an old value would hide that.
  if (written) page.append(scheme.text());
  write_hub(page);
  return page.text();
}

Result<> SchemeMetrics::write_participants(Exposition& page) {
  const auto dfsps = TRY(connectivity_.list());
  page.single("hubseal_agent_dfsps", Kind::gauge, "DFSPs.", static_cast<double>(dfsps.size()));
  write_pings(page, dfsps);
  write_states(page, dfsps);
  return {};
}

Result<> SchemeMetrics::write_enrollments(Exposition& page) {
  page.family("hubseal_agent_enrollments", Kind::gauge, "Enrollments by state.");
  for (const auto& [direction, state, count] : TRY(overview_.enrollments()))
    page.sample(static_cast<double>(count), {{"direction", direction}, {"state", state}});
  page.family(
      "hubseal_agent_certificate_not_after_timestamp_seconds", Kind::gauge,
      "When a DFSP's newest certificate ends, since 1970: its client certificate, the hub's towards it, its CA, "
      "its server.");
  for (const auto& [dfsp_id, what, pem] : TRY(overview_.certificates()))
    if (const auto end = end_of(pem)) page.sample(*end, {{"dfsp", dfsp_id}, {"certificate", what}});
  return {};
}

Result<> SchemeMetrics::write_jws_keys(Exposition& page) {
  page.family("hubseal_agent_jws_keys", Kind::gauge,
              "DFSPs' keys for JWS, by how it is known that they are theirs: unproven, proven, certified.");
  for (const auto& [possession, count] : TRY(overview_.jws_keys()))
    page.sample(static_cast<double>(count), {{"possession", possession}});
  return {};
}

Result<> SchemeMetrics::write_hub_server(Exposition& page) {
  const auto pem = TRY(overview_.hub_server_certificate());
  if (const auto end = pem ? end_of(*pem) : std::nullopt)
    page.single("hubseal_agent_hub_server_certificate_not_after_timestamp_seconds", Kind::gauge,
                "When the certificate that the hub's own servers show ends, since 1970.", *end);
  return {};
}

void SchemeMetrics::write_hub(Exposition& page) {
  const auto ready = daemon_.ready();
  page.single("hubseal_agent_signing_ready", Kind::gauge, "Whether hubseald would sign now.", ready && *ready ? 1 : 0);
  if (!ready) return;  // one time limit is enough
  if (const auto behind = consumers_.behind())
    page.single("hubseal_agent_verification_keys_behind", Kind::gauge,
                "Keys that services of the hub, as they report, have still to load or to drop.",
                static_cast<double>(*behind));
  if (const auto ca = daemon_.get_ca(ca_name_); ca && ca->issues)
    if (const auto end = end_of(ca->certificate))
      page.single("hubseal_agent_hub_ca_not_after_timestamp_seconds", Kind::gauge,
                  "When the hub's CA ends, since 1970.", *end);
}

}  // namespace hubseal::agent
