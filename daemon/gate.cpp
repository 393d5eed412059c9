#include "daemon/gate.h"

#include "common/log.h"

namespace hubseal::daemon {

void Gate::close(std::string_view word, Error reason) {
  auto closed = closed_.lock();
  const bool news = !closed->contains(word);
  if (news) log::error("signing stops", {{"because", std::string(word)}, {"reason", reason.message}});
  closed->insert_or_assign(std::string(word), std::move(reason));
}

void Gate::open(std::string_view word) {
  auto closed = closed_.lock();
  const auto found = closed->find(word);
  if (found == closed->end()) return;
  closed->erase(found);
  log::info("no longer in the way of signing", {{"what", std::string(word)}});
}

Result<> Gate::check() const {
  auto closed = closed_.lock();
  if (closed->empty()) return {};
  return tl::unexpected(closed->begin()->second);
}

std::vector<std::string> Gate::reasons() const {
  std::vector<std::string> reasons;
  auto closed = closed_.lock();
  for (const auto& [word, reason] : *closed) reasons.push_back(reason.message);
  return reasons;
}

}  // namespace hubseal::daemon
