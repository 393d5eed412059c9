#include "daemon/kept_answers.h"

#include <algorithm>

namespace hubseal::daemon {

std::optional<KeptAnswer> KeptAnswers::find(const Bytes& id) {
  auto answers = answers_.lock();
  const auto found = answers->find(id);
  if (found == answers->end()) return std::nullopt;
  found->second.asked = true;
  return found->second;
}

void KeptAnswers::keep(KeptAnswer answer) {
  auto answers = answers_.lock();
  if (answers->size() >= kMost && !answers->contains(answer.id.der)) return;
  Bytes id = answer.id.der;
  answers->insert_or_assign(std::move(id), std::move(answer));
}

std::vector<KeptAnswer> KeptAnswers::due(TimePoint now, std::size_t most) {
  std::vector<KeptAnswer> due;
  {
    auto answers = answers_.lock();
    std::erase_if(*answers, [&](const auto& entry) { return entry.second.until <= now; });
    for (const auto& [id, answer] : *answers)
      if (answer.asked && answer.renew_at <= now) due.push_back(answer);
  }
  std::sort(due.begin(), due.end(), [](const auto& a, const auto& b) { return a.until < b.until; });
  due.erase(due.begin() + static_cast<std::ptrdiff_t>(std::min(most, due.size())), due.end());
  return due;
}

}  // namespace hubseal::daemon
