#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/pings.h"
#include "agent/service/rounds.h"
#include "agent/store/connectivity_table.h"
#include "agent/store/dfsp_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

/// Asks again and again whether DFSPs answer, and stores what was found.
/// Owns: a thread, and while a round lasts as many more as ask at the same time. Going, it waits for the questions that
/// are under way.
class PingWatcher {
 public:
  /// What the ping server says about a DFSP: the body of its answer. Must come to an end by itself.
  using Ask = std::function<Result<std::string>(const std::string& dfsp_id)>;

  struct Pace {
    std::chrono::milliseconds pause;  ///< between rounds
    int parallel = 1;                 ///< questions at the same time, at most
  };

  /// Begins the first round at once.
  PingWatcher(Ask ask, store::DfspTable& dfsps, store::ConnectivityTable& table, metrics::Pings& counted,
              const Clock& clock, Pace pace);

  /// Asks nothing more.
  void stop() { rounds_.stop(); }

 private:
  void ask_all(const std::vector<store::Dfsp>& dfsps);
  Result<> ask_one(const std::string& dfsp_id);

  const Ask ask_;
  store::DfspTable& dfsps_;
  store::ConnectivityTable& table_;
  metrics::Pings& counted_;
  const Clock& clock_;
  const int parallel_;
  Rounds rounds_;  // the last one: its thread uses the others
};

/// The status in a ping server's answer; PING_ERROR where it has none that clients know.
std::string ping_status(std::string_view answer);

}  // namespace hubseal::agent
