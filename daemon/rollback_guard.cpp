#include "daemon/rollback_guard.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/json.h"

namespace hubseal::daemon {
namespace {

/// "1204 4f1c...": records, and the root in hexadecimal.
std::string text_of(const CheckpointMark& mark) { return fmt::format("{} {}", mark.size, to_hex(mark.root)); }

std::optional<CheckpointMark> parse_mark(std::string_view text) {
  CheckpointMark mark;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, mark.size);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != ' ') return std::nullopt;
  auto root = from_hex({number.ptr + 1, end});
  if (!root || root->size() != 32) return std::nullopt;
  mark.root = *std::move(root);
  return mark;
}

constexpr std::size_t kMaxShown = 200;  // characters of a record

/// How many changes the registry had taken when this record was written; 0 where it does not say.
std::uint64_t changes_in(const std::string& line) {
  const auto record = parse_json(line, {.max_depth = 8});
  if (!record || !record->is_object()) return 0;  // what is no record is told by who reads the log
  const auto changes = record->find("changes");
  return changes != record->end() && changes->is_number_unsigned() ? changes->get<std::uint64_t>() : 0;
}

std::string words_of(const std::optional<CheckpointMark>& mark) {
  return mark ? fmt::format("a checkpoint of {} records", mark->size) : "no checkpoint";
}

}  // namespace

Result<std::optional<CheckpointMark>> RollbackGuard::read_token() {
  std::optional<CheckpointMark> newest;
  for (const Bytes& value : TRY(signer_.read_data(origin_))) {
    auto mark = parse_mark(as_text(value));
    // Nobody but us writes under this label; what cannot be read agrees with nothing.
    if (!mark) return CheckpointMark{};
    if (!newest || mark->size > newest->size) newest = std::move(mark);
  }
  return newest;
}

Result<std::optional<std::string>> RollbackGuard::difference(const std::optional<CheckpointMark>& in_log) {
  const auto marks = TRY(registry_.read(&checkpoint_table::find));
  const auto in_token = in_token_ ? TRY(read_token()) : std::nullopt;
  const auto remembered = [&](const std::optional<CheckpointMark>& mark) {
    if (!marks) return !mark;
    const CheckpointMark found = mark.value_or(CheckpointMark{});
    return found == marks->last ||
           std::find(marks->announced.begin(), marks->announced.end(), found) != marks->announced.end();
  };
  // A registry of before the first checkpoint, or of before the token kept one, expects nothing of the others.
  const bool log_agrees = marks ? remembered(in_log) : true;
  const bool token_agrees = in_token ? remembered(in_token) : !(in_token_ && marks && marks->in_token);
  if (log_agrees && token_agrees) return std::nullopt;
  const auto in_registry = marks ? std::optional(marks->last) : std::nullopt;
  std::string words =
      fmt::format("the registry remembers {}, the audit log holds {}", words_of(in_registry), words_of(in_log));
  if (in_token_) words += fmt::format(", the token {}", words_of(in_token));
  return words;
}

Result<std::optional<std::string>> RollbackGuard::lost_work(const std::filesystem::path& folder) {
  constexpr std::uint64_t kRecords = 1000;
  constexpr std::size_t kBytes = 4 << 20;
  const auto marks = TRY(registry_.read(&checkpoint_table::find));
  std::uint64_t next = marks ? marks->last.size + 1 : 1;
  for (;;) {
    const auto lines = TRY(audit::read_records(folder, next, kRecords, kBytes));
    if (lines.empty()) return std::nullopt;
    for (const std::string& line : lines)
      if (const std::uint64_t seen = changes_in(line); seen > registry_.changes())
        return fmt::format("the audit log goes on after the registry, which has {} changes and had {}: {}",
                           registry_.changes().load(), seen, line.substr(0, kMaxShown));
    next += lines.size();
  }
}

Result<> RollbackGuard::announce(const CheckpointMark& next) {
  TRY(registry_.write([&](Database& database) { return checkpoint_table::announce(database, next); }));
  if (!in_token_) return {};
  const auto written = signer_.write_data(origin_, as_bytes(text_of(next)));
  if (written) return {};
  return fail(written.error().code, fmt::format("the token does not keep the state counter: {} (a token without data "
                                                "objects needs counter_in_token = false)",
                                                written.error().message));
}

Result<> RollbackGuard::confirm(const CheckpointMark& last) {
  return registry_.write([&](Database& database) { return checkpoint_table::confirm(database, last, in_token_); });
}

}  // namespace hubseal::daemon
