#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/metrics/histogram.h"
#include "common/guarded.h"

namespace hubseal::agent::metrics {

class Exposition;

/// MCM's number for a ping status: 0 is success, -1 one that it does not know.
int ping_number(std::string_view status);

/// The pings of this process, as MCM counts them.
/// Threads: share it freely.
class Pings {
 public:
  void count(const std::string& dfsp_id, const std::string& status, Histogram::Duration took);
  /// Forgets the DFSPs that are not among these: what was removed leaves no series behind.
  void retain(const std::vector<std::string>& dfsp_ids);

  void write_latencies(Exposition& page) { latencies_.write(page); }
  /// Samples of the family errorCount, which the caller has begun.
  void write_errors(Exposition& page);

 private:
  using DfspAndCode = std::pair<std::string, std::string>;

  Histograms latencies_{
      "mcm_api_dfsp_ping_latency_seconds", "How long the ping server took to say it.", {"dfsp", "success"}};
  Guarded<std::map<DfspAndCode, std::uint64_t>> errors_;
};

}  // namespace hubseal::agent::metrics
