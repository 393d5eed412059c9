#pragma once

#include <chrono>
#include <string>
#include <utility>

#include "agent/store/connectivity_table.h"
#include "agent/store/overview_table.h"
#include "common/guarded.h"

namespace hubseal::agent {

class KeyConsumers;
class SigningDaemon;
namespace metrics {
class Exposition;
}

/// The hub and its participants as they are in the database and as the signing daemon says: metrics that every agent
/// of the hub has alike. Asked for at most every so often, however often they are read.
/// Threads: share it freely; who comes while they are asked for waits.
class SchemeMetrics {
 public:
  SchemeMetrics(store::ConnectivityTable& connectivity, store::OverviewTable& overview, SigningDaemon& daemon,
                KeyConsumers& consumers, std::string ca_name, std::chrono::milliseconds keep = std::chrono::seconds(10))
      : connectivity_(connectivity),
        overview_(overview),
        daemon_(daemon),
        consumers_(consumers),
        ca_name_(std::move(ca_name)),
        keep_(keep) {}

  void write(metrics::Exposition& page);

 private:
  struct Kept {
    std::string text;
    std::chrono::steady_clock::time_point until;
  };

  std::string gather();
  Result<> write_participants(metrics::Exposition& page);
  Result<> write_enrollments(metrics::Exposition& page);
  Result<> write_jws_keys(metrics::Exposition& page);
  Result<> write_hub_server(metrics::Exposition& page);
  void write_hub(metrics::Exposition& page);

  store::ConnectivityTable& connectivity_;
  store::OverviewTable& overview_;
  SigningDaemon& daemon_;
  KeyConsumers& consumers_;
  const std::string ca_name_;
  const std::chrono::milliseconds keep_;
  Guarded<Kept> kept_;
};

}  // namespace hubseal::agent
