#include "daemon/housekeeper.h"

#include <algorithm>
#include <exception>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::daemon {
namespace {

constexpr std::chrono::minutes kAfterFault{1};
constexpr std::chrono::hours kLongest{1};
constexpr std::chrono::seconds kHanging{30};

}  // namespace

Housekeeper::~Housekeeper() {
  if (!thread_.joinable()) return;
  signals_.lock()->stop = true;
  changed_.notify_all();
  thread_.join();
}

void Housekeeper::add(std::string name, Work work) { tasks_.push_back({std::move(name), std::move(work)}); }

void Housekeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void Housekeeper::wake() {
  signals_.lock()->wake = true;
  changed_.notify_all();
}

void Housekeeper::run() {
  bool all = true;
  while (true) {
    const Time next = run_due(all);
    auto signals = signals_.lock();
    all = signals.wait_until(changed_, next, [&] { return signals->stop || signals->wake; });
    if (signals->stop) return;
    signals->wake = false;
  }
}

Housekeeper::Time Housekeeper::run_due(bool all) {
  Time next = std::chrono::steady_clock::now() + kLongest;
  for (Task& task : tasks_) {
    if (all || task.due <= std::chrono::steady_clock::now()) {
      Duration pause = kAfterFault;
      note(task.name);
      try {
        pause = task.work();
      } catch (const std::exception& fault) {
        log::error("a regular task failed", {{"task", task.name}, {"fault", fault.what()}});
      }
      note("");
      task.due = std::chrono::steady_clock::now() + pause;
    }
    next = std::min(next, task.due);
  }
  return next;
}

void Housekeeper::note(const std::string& task) {
  auto signals = signals_.lock();
  signals->task = task;
  signals->since = std::chrono::steady_clock::now();
}

std::optional<std::string> Housekeeper::hanging() const {
  auto signals = signals_.lock();
  const auto running = std::chrono::steady_clock::now() - signals->since;
  if (signals->task.empty() || running < kHanging) return std::nullopt;
  return fmt::format("regular tasks stand still: \"{}\" has not come back for {} s", signals->task,
                     std::chrono::floor<std::chrono::seconds>(running).count());
}

}  // namespace hubseal::daemon
