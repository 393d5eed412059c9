#include "daemon/gate.h"

#include "common/log.h"

namespace hubseal::daemon {

Result<Gate::Pass> Gate::enter() {
  auto state = state_.lock();
  if (!state->closed.empty()) return tl::unexpected(state->closed.begin()->second);
  ++state->inside;
  return Pass(*this);
}

void Gate::leave() {
  auto state = state_.lock();
  if (--state->inside == 0) left_.notify_all();
}

bool Gate::wait_until_empty(std::chrono::steady_clock::time_point deadline) {
  auto state = state_.lock();
  return state.wait_until(left_, deadline, [&] { return state->inside == 0; });
}

void Gate::close(std::string_view word, Error reason) {
  auto state = state_.lock();
  const bool news = !state->closed.contains(word);
  if (news) log::error("signing stops", {{"because", std::string(word)}, {"reason", reason.message}});
  state->closed.insert_or_assign(std::string(word), std::move(reason));
}

void Gate::open(std::string_view word) {
  auto state = state_.lock();
  const auto found = state->closed.find(word);
  if (found == state->closed.end()) return;
  state->closed.erase(found);
  log::info("no longer in the way of signing", {{"what", std::string(word)}});
}

std::vector<std::string> Gate::reasons() const {
  std::vector<std::string> reasons;
  auto state = state_.lock();
  for (const auto& [word, reason] : state->closed) reasons.push_back(reason.message);
  return reasons;
}

}  // namespace hubseal::daemon
