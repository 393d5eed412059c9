#include "daemon/rollback_guard.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/json.h"
#include "common/log.h"
#include "daemon/registry/approval_table.h"
#include "daemon/registry/approver_table.h"
#include "daemon/registry/policy_table.h"
#include "daemon/registry/revocation_table.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kMaxShown = 200;  // characters of a record
constexpr const char* kForgotten = "the token does not say who may agree and by which policy";
constexpr std::int64_t kSkippedCrlNumbers = 1000000;  // more than a CA gives between two backups

/// "1204 4f1c... 09ab...": records, root and authority, the last two in hexadecimal.
std::string text_of(const CheckpointMark& mark, ByteView authority) {
  return fmt::format("{} {} {}", mark.size, to_hex(mark.root), to_hex(authority));
}

struct TokenMark {
  CheckpointMark mark;
  Bytes authority;
};

std::optional<TokenMark> parse_mark(std::string_view text) {
  TokenMark found;
  const char* const end = text.data() + text.size();
  const auto number = std::from_chars(text.data(), end, found.mark.size);
  if (number.ec != std::errc() || number.ptr == end || *number.ptr != ' ') return std::nullopt;
  const std::string_view rest(number.ptr + 1, static_cast<std::size_t>(end - number.ptr - 1));
  const std::size_t space = std::min(rest.find(' '), rest.size());
  auto root = from_hex(rest.substr(0, space)), authority = from_hex(rest.substr(std::min(space + 1, rest.size())));
  if (!root || root->size() != 32 || !authority || authority->size() != 32) return std::nullopt;
  found.mark.root = *std::move(root);
  found.authority = *std::move(authority);
  return found;
}

/// SHA-256 over the policy in force and all approvers: who says what may be done.
Result<Bytes> authority_of(Database& database) {
  const auto policy = TRY(policy_table::newest(database));
  std::vector<std::string> parts;
  for (const ApproverRecord& approver : TRY(approver_table::list(database)))
    parts.push_back(dump_json(
        Json::array({approver.name, approver.person, to_string(approver.kind), approver.uid.value_or(-1),
                     to_hex(approver.public_key), to_hex(approver.credential_id), approver.rp_id, approver.origin})));
  std::sort(parts.begin(), parts.end());
  parts.push_back(policy ? to_hex(policy->hash) : "");
  const auto hash = sha256(as_bytes(fmt::format("{}", fmt::join(parts, "\n"))));
  return Bytes(hash.begin(), hash.end());
}

/// How many changes the registry had taken when this record was written; 0 where it does not say.
std::uint64_t changes_in(const std::string& line) {
  const auto record = parse_json(line, {.max_depth = 8});
  if (!record || !record->is_object()) return 0;  // what is no record is told by who reads the log
  const auto changes = record->find("changes");
  return changes != record->end() && changes->is_number_unsigned() ? changes->get<std::uint64_t>() : 0;
}

/// With the root, because two logs of one length may differ.
std::string words_of(const std::optional<CheckpointMark>& mark) {
  if (!mark || mark->size == 0) return "no checkpoint";
  return fmt::format("a checkpoint of {} records (root {:.16})", mark->size, to_hex(mark->root));
}

}  // namespace

Result<std::optional<std::string>> lost_work(Registry& registry, const std::filesystem::path& folder) {
  constexpr std::uint64_t kRecords = 1000;
  constexpr std::size_t kBytes = 4 << 20;
  const auto marks = TRY(registry.read(&checkpoint_table::find));
  const auto found = TRY(registry.read(&checkpoint_table::find_old_state));
  const std::uint64_t now = registry.changes(), known = found ? std::min(now, found->changes) : now;
  std::uint64_t next = marks ? marks->last.size + 1 : 1;
  for (;;) {
    const auto lines = TRY(audit::read_records(folder, next, kRecords, kBytes));
    if (lines.empty()) return std::nullopt;
    for (const std::string& line : lines)
      if (const std::uint64_t seen = changes_in(line); seen > known)
        return fmt::format("the audit log goes on after the registry, which has {} changes and had {}: {}", known, seen,
                           line.substr(0, kMaxShown));
    next += lines.size();
  }
}

Result<> note_lost_work(Registry& registry, const std::filesystem::path& folder, std::uint64_t records) {
  const auto lost = lost_work(registry, folder);
  if (!lost) log::warning("the end of the audit log cannot be read", {{"reason", lost.error().message}});
  if (!lost || !*lost) return {};  // a log that cannot be read stops all signing later
  return registry.write([&](Database& database) {
    return checkpoint_table::note_old_state(database, {**lost, records, registry.changes()});
  });
}

Result<> RollbackGuard::read() {
  marks_ = TRY(registry_.read(&checkpoint_table::find));
  old_state_ = TRY(registry_.read(&checkpoint_table::find_old_state));
  return in_token_ ? read_token() : Result<>();
}

Result<> RollbackGuard::read_token() {
  std::optional<TokenMark> newest;
  for (const Bytes& value : TRY(signer_.read_data(origin_))) {
    auto found = parse_mark(as_text(value));
    // Nobody but us writes under this label; what cannot be read agrees with nothing.
    if (!found) {
      in_token_mark_.emplace();
      strangers_ = kForgotten;
      return {};
    }
    if (!newest || found->mark.size > newest->mark.size) newest = std::move(found);
  }
  if (newest) in_token_mark_ = newest->mark;
  if (newest && newest->authority != TRY(registry_.read(&authority_of)))
    strangers_ = "the people who may agree, or the policy, are not those of the newest checkpoint in the token";
  if (!newest && marks_ && marks_->in_token) strangers_ = kForgotten;
  if (marks_ || newest) return {};
  others_ = TRY(signer_.data_labels());
  std::erase(others_, origin_);
  return {};
}

std::optional<std::string> RollbackGuard::others() const {
  if (others_.empty()) return std::nullopt;
  return fmt::format("{}", fmt::join(others_, ", "));
}

Result<> RollbackGuard::forget_others() {
  for (const std::string& origin : others_) TRY(signer_.erase_data(origin));
  others_.clear();
  return {};
}

std::vector<CheckpointMark> RollbackGuard::to_hold_to(std::uint64_t records) const {
  std::vector<CheckpointMark> marks;
  if (marks_) {
    marks = marks_->announced;
    marks.push_back(marks_->last);
  }
  if (old_state_) records = std::min(records, old_state_->records);
  std::erase_if(marks, [&](const CheckpointMark& mark) { return mark.size == 0 || mark.size > records; });
  return marks;
}

std::optional<std::string> RollbackGuard::difference(const std::optional<CheckpointMark>& in_log,
                                                     std::uint64_t records) const {
  const auto remembered = [&](const std::optional<CheckpointMark>& mark) {
    if (!marks_) return !mark;
    const CheckpointMark found = mark.value_or(CheckpointMark{});
    return found == marks_->last ||
           std::find(marks_->announced.begin(), marks_->announced.end(), found) != marks_->announced.end();
  };
  // A registry of before the first checkpoint, or of before the token kept one, expects nothing of the others.
  const bool log_agrees = marks_ ? remembered(in_log) : true;
  const bool token_agrees = in_token_mark_ ? remembered(in_token_mark_) : !(in_token_ && marks_ && marks_->in_token);
  // A checkpoint is announced of records that are on the disk.
  const bool is_whole = !marks_ || std::all_of(marks_->announced.begin(), marks_->announced.end(),
                                               [&](const CheckpointMark& mark) { return mark.size <= records; });
  if (log_agrees && token_agrees && is_whole) return std::nullopt;
  const auto in_registry = marks_ ? std::optional(marks_->last) : std::nullopt;
  std::string words = fmt::format("the registry remembers {}, the audit log holds {} and {} records",
                                  words_of(in_registry), words_of(in_log), records);
  if (in_token_) words += fmt::format(", the token {}", words_of(in_token_mark_));
  return words;
}

std::optional<std::string> RollbackGuard::lost() const {
  if (!old_state_ || old_state_->lost_work.empty()) return std::nullopt;
  return old_state_->lost_work;
}

Result<> RollbackGuard::note(bool found, std::uint64_t records) {
  if (found == old_state_.has_value()) return {};
  return registry_.write([&](Database& database) {
    return found ? checkpoint_table::note_old_state(database, {"", records, registry_.changes()})
                 : checkpoint_table::forget_old_state(database);
  });
}

Result<> RollbackGuard::announce(const CheckpointMark& next) {
  TRY(registry_.write([&](Database& database) { return checkpoint_table::announce(database, next); }));
  if (!in_token_) return {};
  const auto written = signer_.write_data(origin_, as_bytes(text_of(next, TRY(registry_.read(&authority_of)))));
  if (written) return {};
  return fail(written.error().code, fmt::format("the token does not keep the state counter: {} (a token without data "
                                                "objects needs counter_in_token = false)",
                                                written.error().message));
}

Result<> RollbackGuard::confirm(const CheckpointMark& last) {
  return registry_.write([&](Database& database) -> Result<> {
    TRY(checkpoint_table::confirm(database, last, in_token_));
    // Not with the consent: a crash until here leaves it to be accepted.
    return checkpoint_table::forget_old_state(database);
  });
}

Result<> accept_old_state(Database& database) {
  TRY(approval_table::expire_all(database));
  return revocation_table::skip_crl_numbers(database, kSkippedCrlNumbers);
}

}  // namespace hubseal::daemon
