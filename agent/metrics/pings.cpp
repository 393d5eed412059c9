#include "agent/metrics/pings.h"

#include <algorithm>
#include <array>

#include "agent/metrics/exposition.h"

namespace hubseal::agent::metrics {
namespace {

struct Status {
  std::string_view name;
  int number;
  std::string_view error;  ///< the code under which it is counted; empty: it is none
};

constexpr std::array<Status, 5> kStatuses = {{{"SUCCESS", 0, ""},
                                              {"NOT_REACHABLE", 1, "network"},
                                              {"JWS_FAILED", 2, "jws"},
                                              {"TIMED_OUT", 3, "timeout"},
                                              {"PING_ERROR", 4, "ping_error"}}};
constexpr Status kUnknown = {"", -1, "unknown"};

const Status& find(std::string_view name) {
  const auto found =
      std::find_if(kStatuses.begin(), kStatuses.end(), [&](const Status& status) { return status.name == name; });
  return found == kStatuses.end() ? kUnknown : *found;
}

}  // namespace

int ping_number(std::string_view status) { return find(status).number; }

void Pings::count(const std::string& dfsp_id, const std::string& status, Histogram::Duration took) {
  const std::string error(find(status).error);
  latencies_.observe({dfsp_id, error.empty() ? "true" : "false"}, took);
  if (!error.empty()) ++(*errors_.lock())[{dfsp_id, error}];
}

void Pings::retain(const std::vector<std::string>& dfsp_ids) {
  latencies_.retain(dfsp_ids);
  std::erase_if(*errors_.lock(), [&](const auto& one) {
    return std::find(dfsp_ids.begin(), dfsp_ids.end(), one.first.first) == dfsp_ids.end();
  });
}

void Pings::write_errors(Exposition& page) {
  const auto errors = *errors_.lock();
  for (const auto& [key, count] : errors) {
    const std::string operation = "ping-" + key.first;
    page.sample(static_cast<double>(count),
                {{"system", key.first}, {"code", key.second}, {"context", "MCM"}, {"operation", operation}});
  }
}

}  // namespace hubseal::agent::metrics
