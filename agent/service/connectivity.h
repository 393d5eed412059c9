#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/connectivity_table.h"
#include "common/result.h"

namespace hubseal::agent {

/// A connector's tasks, in the order in which they are shown.
constexpr std::array<std::string_view, 10> kConnectorStates = {
    "PEER_JWS", "DFSP_JWS", "DFSP_CA",         "DFSP_SERVER_CERT", "DFSP_CLIENT_CERT",
    "HUB_CA",   "HUB_CERT", "HUB_CLIENT_CERT", "ENDPOINT_CONFIG",  "UPLOAD_PEER_JWS"};

/// How a connector fares with a task, the best first.
constexpr std::array<std::string_view, 4> kConnectorStatuses = {"completed", "inProgress", "pending", "inError"};

/// Whether a ping server says this of a DFSP: "SUCCESS", "NOT_REACHABLE", "JWS_FAILED", "TIMED_OUT", "PING_ERROR".
bool is_ping_status(std::string_view text);

/// How DFSPs' connectors are getting on, and how far each DFSP is.
/// Callers have made sure that the DFSP exists.
class Connectivity {
 public:
  explicit Connectivity(store::ConnectivityTable& table) : table_(table) {}

  /// Replaces these states; others stay. Errors: bad_request for a time that is none.
  Result<> set_states(const std::string& dfsp_id, const std::vector<store::ConnectorState>& states);
  /// Of all DFSPs, states in the order of kConnectorStates.
  Result<std::vector<store::Connectivity>> list();
  Result<std::vector<store::OnboardingStep>> onboarding(const std::string& dfsp_id) {
    return table_.onboarding(dfsp_id);
  }

 private:
  store::ConnectivityTable& table_;
};

/// Whether `text` is a date-time of RFC 3339: "2026-11-30T08:00:00.000Z", "2026-11-30T11:00:00+03:00".
bool is_date_time(std::string_view text);

}  // namespace hubseal::agent
