#include "daemon/log_check.h"

#include <algorithm>
#include <chrono>
#include <thread>

#include <fmt/format.h>

#include "common/audit/log_files.h"

namespace hubseal::daemon {
namespace {

constexpr int kTries = 4;
constexpr std::chrono::milliseconds kPause{5};

}  // namespace

Result<LogCheck::Progress> LogCheck::read_next_file() const {
  Progress progress = done_;
  const auto files = TRY(audit::log_files(folder_));
  auto file = std::find_if(files.begin(), files.end(),
                           [&](const audit::LogFile& known) { return known.first == progress.records.next(); });
  if (file == files.end())
    file = std::find_if(files.begin(), files.end(), [](const audit::LogFile& known) { return known.first == 0; });
  if (file == files.end()) return fail(Code::bad_request, fmt::format("record {} is missing", progress.records.next()));
  TRY(audit::read_lines(file->path, [&](std::string_view line, bool complete) -> Result<bool> {
    if (TRY(progress.records.take(line, complete))) progress.tree.append(audit::leaf_hash(as_bytes(line)));
    return progress.tree.size() < wanted_.size;
  }));
  if (progress.tree.size() == done_.tree.size())
    return fail(Code::bad_request, fmt::format("record {} is missing", progress.records.next()));
  return progress;
}

Result<bool> LogCheck::step() {
  auto progress = read_next_file();
  // The current file may have been put away between its name and its first line; that does not happen again and again.
  for (int tries = 0; !progress && tries < kTries; ++tries) {
    std::this_thread::sleep_for(kPause);
    progress = read_next_file();
  }
  // A name that leads nowhere is a record that is gone.
  if (!progress && progress.error().code == Code::not_found) return fail(Code::bad_request, progress.error().message);
  done_ = TRY(std::move(progress));
  if (done_.tree.size() < wanted_.size) return false;
  if (done_.tree.root() == wanted_.root) return true;
  return fail(Code::bad_request, fmt::format("one of its first {} records was changed", wanted_.size));
}

}  // namespace hubseal::daemon
