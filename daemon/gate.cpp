#include "daemon/gate.h"

#include "common/log.h"

namespace hubseal::daemon {

Result<Gate::Pass> Gate::enter() {
  auto state = state_.lock();
  if (!state->closed.empty()) return tl::unexpected(state->closed.begin()->second);
  const std::uint64_t number = state->next++;
  state->inside.insert(number);
  return Pass(*this, number);
}

void Gate::leave(std::uint64_t number) {
  auto state = state_.lock();
  state->inside.erase(number);
  left_.notify_all();
}

bool Gate::wait_for_those_inside(std::chrono::steady_clock::time_point deadline) {
  auto state = state_.lock();
  const std::uint64_t mine = state->next;
  return state.wait_until(left_, deadline, [&] { return state->inside.empty() || *state->inside.begin() >= mine; });
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
