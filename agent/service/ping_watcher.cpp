#include "agent/service/ping_watcher.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include <nlohmann/json.hpp>

#include "agent/service/connectivity.h"
#include "common/guarded.h"
#include "common/json.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

constexpr std::string_view kPingError = "PING_ERROR";

}  // namespace

std::string ping_status(std::string_view answer) {
  const auto json = parse_json(answer, {.allow_fractions = true});
  if (!json || !json->is_object()) return std::string(kPingError);
  const auto status = json->find("pingStatus");
  if (status == json->end() || !status->is_string()) return std::string(kPingError);
  const auto& text = status->get_ref<const std::string&>();
  return is_ping_status(text) ? text : std::string(kPingError);
}

PingWatcher::PingWatcher(Ask ask, store::DfspTable& dfsps, store::ConnectivityTable& table, metrics::Pings& counted,
                         const Clock& clock, Pace pace)
    : ask_(std::move(ask)),
      dfsps_(dfsps),
      table_(table),
      counted_(counted),
      clock_(clock),
      parallel_(pace.parallel),
      rounds_(pace.pause, [this] {
        // What cannot be read now is asked in the next round; the database's words are in the log already.
        if (const auto known = dfsps_.list()) ask_all(*known);
        return true;
      }) {}

void PingWatcher::ask_all(const std::vector<store::Dfsp>& dfsps) {
  std::vector<std::string> ids;
  for (const store::Dfsp& dfsp : dfsps) ids.push_back(dfsp.id);
  counted_.retain(ids);
  std::atomic<std::size_t> next = 0;
  Guarded<std::vector<std::string>> problems;
  const auto work = [&] {
    for (std::size_t i = next++; i < dfsps.size() && !rounds_.stopping(); i = next++)
      if (const auto asked = ask_one(dfsps[i].id); !asked) problems.lock()->push_back(asked.error().message);
  };
  std::vector<std::thread> threads;
  const std::size_t count = std::min(dfsps.size(), static_cast<std::size_t>(parallel_));
  for (std::size_t i = 0; i < count; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  // A ping server that is away is one line a round, not one for each DFSP.
  if (auto found = problems.lock(); !found->empty())
    log::warning("pings failed", {{"dfsps", std::to_string(found->size())}, {"problem", found->back()}});
}

Result<> PingWatcher::ask_one(const std::string& dfsp_id) {
  const auto start = std::chrono::steady_clock::now();
  const auto answer = ask_(dfsp_id);
  const std::string status = answer ? ping_status(*answer) : std::string(kPingError);
  counted_.count(dfsp_id, status, std::chrono::steady_clock::now() - start);
  TRY(table_.set_ping(dfsp_id, status, clock_.now()));
  if (!answer) return tl::unexpected(answer.error());
  return {};
}

}  // namespace hubseal::agent
