#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// What a DFSP's connector says of one of its tasks.
struct ConnectorState {
  std::string state;   ///< the task: "DFSP_CA"
  std::string status;  ///< "pending", say
  std::optional<std::string> state_description = {};
  std::optional<std::string> error_description = {};
  std::string last_updated = {};  ///< as the connector wrote it
};

/// What is known of a DFSP's connector.
struct Connectivity {
  std::string dfsp_id;
  std::optional<std::string> ping_status = {};
  std::string ping_status_at = {};  ///< as format_utc writes it
  std::vector<ConnectorState> states = {};
};

/// A step of a DFSP's onboarding.
struct OnboardingStep {
  std::string identifier;
  bool begun = false;
  bool done = false;
};

/// Threads: share it freely. Errors: storage_unavailable.
class ConnectivityTable {
 public:
  explicit ConnectivityTable(Database& database) : database_(database) {}

  /// Replaces these states; others stay.
  Result<> set_states(const std::string& dfsp_id, const std::vector<ConnectorState>& states);
  Result<> set_ping(const std::string& dfsp_id, const std::string& status, TimePoint now);
  /// Of all DFSPs, in the order in which they were added; states in no order.
  Result<std::vector<Connectivity>> list();
  /// In the order that clients know.
  Result<std::vector<OnboardingStep>> onboarding(const std::string& dfsp_id);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
