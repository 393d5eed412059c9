#include "daemon/gate.h"

#include "common/log.h"

namespace hubseal::daemon {

Result<Gate::Pass> Gate::enter() {
  auto state = state_.lock();
  for (auto& [word, closing] : state->closed) {
    if (closing.from > std::chrono::steady_clock::now()) continue;
    tell(word, closing);
    return tl::unexpected(closing.reason);
  }
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

void Gate::tell(std::string_view word, Closing& closing) {
  if (!std::exchange(closing.told, true))
    log::error("signing stops", {{"because", std::string(word)}, {"reason", closing.reason.message}});
}

void Gate::close(std::string_view word, Error reason) {
  auto state = state_.lock();
  Closing& closing = state->closed[std::string(word)];
  closing = {std::move(reason), std::chrono::steady_clock::time_point::min(), closing.told};
  tell(word, closing);
}

void Gate::close_at(std::string_view word, std::chrono::steady_clock::time_point when, Error reason) {
  auto state = state_.lock();
  Closing& closing = state->closed[std::string(word)];
  closing = {std::move(reason), when, closing.told};
  if (when > std::chrono::steady_clock::now()) tell_open(word, closing);
}

void Gate::open(std::string_view word) {
  auto state = state_.lock();
  const auto found = state->closed.find(word);
  if (found == state->closed.end()) return;
  tell_open(word, found->second);
  state->closed.erase(found);
}

bool Gate::is_closed(std::string_view word) const {
  auto state = state_.lock();
  const auto found = state->closed.find(word);
  return found != state->closed.end() && found->second.from <= std::chrono::steady_clock::now();
}

void Gate::tell_open(std::string_view word, Closing& closing) {
  if (std::exchange(closing.told, false)) log::info("no longer in the way of signing", {{"what", std::string(word)}});
}

std::vector<std::string> Gate::reasons() const {
  std::vector<std::string> reasons;
  auto state = state_.lock();
  for (const auto& [word, closing] : state->closed)
    if (closing.from <= std::chrono::steady_clock::now()) reasons.push_back(closing.reason.message);
  return reasons;
}

}  // namespace hubseal::daemon
