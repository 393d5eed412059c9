#pragma once

#include <array>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "agent/http/message.h"
#include "agent/http/router.h"
#include "agent/metrics/histogram.h"

namespace hubseal::agent::metrics {
class Exposition;
}

namespace hubseal::agent::http {

/// Counts answers by what was asked for and by the kind of answer, with the time they took. What was asked for is a
/// route as it is written, never a path as it came: nobody makes new series by what they send.
/// Threads: share it freely; nobody waits.
class RequestMetrics {
 public:
  /// `routes` must outlive this, where they are.
  explicit RequestMetrics(const std::vector<Route>& routes);

  void count(const Answer& answer);
  void write(metrics::Exposition& page) const;

 private:
  static constexpr std::array kClasses = {"2xx", "3xx", "4xx", "5xx"};

  struct Row {
    std::string method;
    std::string path;
    std::array<metrics::Histogram, kClasses.size()> classes = {};
  };

  std::deque<Row> rows_;  ///< the first: no route
  std::unordered_map<const Route*, Row*> by_route_;
};

}  // namespace hubseal::agent::http
