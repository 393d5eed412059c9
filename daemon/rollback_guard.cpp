#include "daemon/rollback_guard.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/json.h"
#include "common/log.h"
#include "common/number.h"
#include "daemon/registry/approval_table.h"
#include "daemon/registry/approver_table.h"
#include "daemon/registry/policy_table.h"
#include "daemon/registry/revocation_table.h"

namespace hubseal::daemon {
namespace {

constexpr const char* kLostAgain = "some of what people decided while an older state was there is gone again";
constexpr const char* kForgotten = "the token does not say who may agree and by which policy";
constexpr std::int64_t kSkippedCrlNumbers = 1000000;  // more than a CA gives between two backups

/// "1204 4f1c... 09ab... 77 0": records, root and authority (both in hexadecimal), and changes.
std::string text_of(const TokenMark& token) {
  return fmt::format("{} {} {} {} {}", token.mark.size, to_hex(token.mark.root), to_hex(token.authority), token.changes,
                     token.while_old);
}

std::optional<TokenMark> parse_mark(std::string_view text) {
  std::vector<std::string_view> words;
  for (std::size_t space = 0; space != std::string_view::npos; text.remove_prefix(std::min(space + 1, text.size()))) {
    space = text.find(' ');
    words.push_back(text.substr(0, space));
  }
  if (words.size() != 5) return std::nullopt;
  const auto size = parse_number<std::uint64_t>(words[0]), changes = parse_number<std::uint64_t>(words[3]),
             while_old = parse_number<std::uint64_t>(words[4]);
  auto root = from_hex(words[1]), authority = from_hex(words[2]);
  if (!size || !changes || !while_old || !root || root->size() != 32 || !authority || authority->size() != 32)
    return std::nullopt;
  return TokenMark{{*size, *std::move(root)}, *std::move(authority), *changes, *while_old};
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
  const auto record = parse_json(line, {.max_depth = 8, .max_members = 1 << 20});  // a start names all keys
  if (!record || !record->is_object()) return 0;  // what is no record is told by who reads the log
  const auto changes = record->find("changes");
  return changes != record->end() && changes->is_number_unsigned() ? changes->get<std::uint64_t>() : 0;
}

/// With the root, because two logs of one length may differ.
std::string words_of(const std::optional<CheckpointMark>& mark) {
  if (!mark || mark->size == 0) return "no checkpoint";
  return fmt::format("a checkpoint of {} records (root {:.16})", mark->size, to_hex(mark->root));
}

/// A record of the log, behind the registry's last checkpoint, that was written when the registry had taken
/// more changes than it knows of, in words. A registry that was put back alone, within the time between two
/// checkpoints, says so by nothing else.
Result<std::optional<std::string>> lost_work(Registry& registry, const AuditLog& log) {
  constexpr std::uint64_t kRecords = 1000;
  constexpr std::size_t kBytes = 4 << 20;
  const auto marks = TRY(registry.read(&checkpoint_table::find));
  const auto found = TRY(registry.read(&checkpoint_table::find_old_state));
  const std::uint64_t now = registry.changes(), known = found ? std::min(now, found->changes) : now;
  std::uint64_t next = marks ? marks->last.size + 1 : 1;
  for (;;) {
    if (next <= log.found()) log.say_read(next - 1, log.found());
    const auto lines = TRY(audit::read_records(log.folder(), next, kRecords, kBytes));
    if (lines.empty()) return std::nullopt;
    for (std::size_t n = 0; n < lines.size(); ++n)
      if (const std::uint64_t seen = changes_in(lines[n]); seen > known)
        return fmt::format("the audit log goes on after the registry, which has {} changes and had {} at record {}",
                           known, seen, next + n);
    next += lines.size();
  }
}

/// The registry counts the records that the log had: one that lost its end behind the last checkpoint has fewer.
Result<std::optional<std::string>> lost_records(Registry& registry, const AuditLog& log) {
  const std::uint64_t seen = TRY(registry.read(&checkpoint_table::records_seen));
  if (seen <= log.found() || log.found() == 0) return std::nullopt;  // an empty one does not start at all
  // These words stay while the log grows again.
  return fmt::format("the audit log ended with record {} at a start, and the registry had seen {}", log.found(), seen);
}

}  // namespace

Result<OldState> found_with(const AuditLog& log, const Registry& registry) {
  const audit::Hash root = TRY(audit::read_tree(log.found(), log.reader())).root();
  return OldState{"", log.found(), Bytes(root.begin(), root.end()), registry.changes()};
}

Result<> note_lost_work(Registry& registry, AuditLog& log) {
  log.say_changes(registry.changes());
  auto before = TRY(registry.read(&checkpoint_table::find_old_state));
  if (!before || before->lost_work.empty()) {
    auto lost = TRY(lost_work(registry, log));
    if (!lost) lost = TRY(lost_records(registry, log));
    if (lost) {
      if (!before) before = TRY(found_with(log, registry));
      before->lost_work = *lost;
      TRY(registry.write([&](Database& database) { return checkpoint_table::note_old_state(database, *before); }));
    }
  }
  if (before)
    log.say_at_most(before->changes);
  else
    registry.see_records(log.durable());
  return {};
}

Result<> refuse_empty_log(Registry& registry, const AuditLog& log, const std::optional<TokenMark>& token) {
  if (log.found() != 0) return {};
  const auto marks = TRY(registry.read(&checkpoint_table::find));
  const std::uint64_t seen = TRY(registry.read(&checkpoint_table::records_seen));
  const bool in_registry = seen != 0 || (marks && (marks->last.size != 0 || !marks->announced.empty()));
  if (!in_registry && (!token || token->mark.size == 0)) return {};
  return fail(Code::conflict,
              fmt::format("the audit log is empty, and the {} knows of one that is not. Is its folder (audit, in "
                          "state_dir) the right one, and mounted? Restore it; or, where it is lost, give once: "
                          "hubseald --accept-state",
                          in_registry ? "registry" : "token"));
}

Result<> RollbackGuard::read() {
  marks_ = TRY(registry_.read(&checkpoint_table::find));
  old_state_ = TRY(registry_.read(&checkpoint_table::find_old_state));
  return in_token_ ? read_token() : Result<>();
}

Result<> RollbackGuard::read_token() {
  others_ = TRY(signer_.data_labels());
  std::erase(others_, origin_);
  const auto values = TRY(signer_.read_data(origin_));
  for (const Bytes& value : values) {
    auto found = parse_mark(as_text(value));
    if (!found) continue;
    if (!token_ || found->mark.size > token_->mark.size ||
        (found->mark == token_->mark && found->changes + found->while_old > token_->changes + token_->while_old))
      token_ = std::move(found);
  }
  // Nobody but us writes under this label; where nothing of it can be read, that agrees with nothing.
  if (!token_ && !values.empty()) {
    token_.emplace();
    strangers_ = kForgotten;
    return {};
  }
  if (token_ && token_->authority != TRY(registry_.read(&authority_of)))
    strangers_ = "the people who may agree, or the policy, are not those of the newest checkpoint in the token";
  if (is_forgotten()) strangers_ = kForgotten;
  return {};
}

/// Whether the token must know of this registry and does not: another one may have begun with it since.
bool RollbackGuard::is_forgotten() const {
  return in_token_ && !token_ && remembers_any() && (marks_->in_token || !others_.empty());
}

std::optional<std::string> RollbackGuard::others() const {
  if (others_.empty() || remembers_any()) return std::nullopt;
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
  std::erase_if(marks, [&](const CheckpointMark& mark) { return mark.size == 0 || mark.size > records; });
  return marks;
}

/// What was announced may have come to the others, or not.
bool RollbackGuard::remembers(const CheckpointMark& mark) const {
  if (!marks_) return mark.size == 0;
  return mark == marks_->last ||
         std::find(marks_->announced.begin(), marks_->announced.end(), mark) != marks_->announced.end();
}

std::optional<std::string> RollbackGuard::difference(const std::optional<CheckpointMark>& in_log,
                                                     std::uint64_t records) const {
  // A registry of before the first checkpoint, or of before the token kept one, expects nothing of the others.
  const bool log_agrees = !marks_ || remembers(in_log.value_or(CheckpointMark{}));
  const bool token_agrees = token_ ? !token_->authority.empty() && remembers(token_->mark) : !is_forgotten();
  // A checkpoint is announced of records that are on the disk.
  const bool is_whole = !marks_ || std::all_of(marks_->announced.begin(), marks_->announced.end(),
                                               [&](const CheckpointMark& mark) { return mark.size <= records; });
  if (log_agrees && token_agrees && is_whole) return std::nullopt;
  const auto in_registry = marks_ ? std::optional(marks_->last) : std::nullopt;
  std::string words = fmt::format("the registry remembers {}, the audit log holds {} and {} records",
                                  words_of(in_registry), words_of(in_log), records);
  if (in_token_) words += ", the token " + words_of_token();
  return words;
}

std::string RollbackGuard::words_of_token() const {
  if (!token_) return words_of(std::nullopt);
  if (token_->authority.empty()) return "something that cannot be read (an earlier hubseald wrote it?)";
  return words_of(token_->mark);
}

std::string RollbackGuard::lost() const {
  std::string words = old_state_ ? old_state_->lost_work : "";
  const auto add = [&](const std::string& more) { words += (words.empty() ? "" : "; ") + more; };
  // Of one checkpoint: whatever the log is, both have counted on from there.
  if (token_ && words.empty() && remembers(token_->mark) && registry_.found() < token_->changes)
    add(fmt::format("the registry has taken {} changes, and the token knows of {}", registry_.found(),
                    token_->changes));
  // Another registry than the one in which that was decided, whatever its count.
  const bool is_another = !old_state_ || (token_ && registry_.found() < token_->while_old);
  if (token_ && token_->while_old != 0 && is_another && words.find(kLostAgain) == std::string::npos) add(kLostAgain);
  return words;
}

Result<std::uint64_t> RollbackGuard::note(const OldState& found) {
  if (old_state_ && old_state_->lost_work == found.lost_work) return old_state_->changes;
  OldState next = old_state_.value_or(found);
  next.lost_work = found.lost_work;
  TRY(registry_.write([&](Database& database) { return checkpoint_table::note_old_state(database, next); }));
  old_state_ = std::move(next);
  return old_state_->changes;
}

Result<> RollbackGuard::forget_old_state() {
  if (token_ && token_->while_old != 0) {
    TokenMark next = *token_;
    next.changes = std::max(next.changes, next.while_old);  // this registry has taken them
    next.while_old = 0;
    TRY(write_token(next));
  }
  if (old_state_) TRY(registry_.write(&checkpoint_table::forget_old_state));
  old_state_.reset();
  return {};
}

Result<> RollbackGuard::write_token(const TokenMark& next) {
  if (const auto written = signer_.write_data(origin_, as_bytes(text_of(next))); !written)
    return fail(written.error().code,
                fmt::format("the token does not keep the state counter: {} (a token without data objects needs "
                            "counter_in_token = false)",
                            written.error().message));
  token_ = next;
  return {};
}

Result<> RollbackGuard::announce(const CheckpointMark& next) {
  TRY(registry_.write([&](Database& database) { return checkpoint_table::announce(database, next); }));
  if (!in_token_) return {};
  return write_token({next, TRY(registry_.read(&authority_of)), registry_.changes(), 0});
}

Result<> RollbackGuard::note_decisions(bool older) {
  if (!token_ || token_->authority.empty()) return {};
  TokenMark next = *token_;
  std::uint64_t& count = older ? next.while_old : next.changes;
  count = std::max(count, registry_.changes().load());
  return write_token(next);
}

Result<> RollbackGuard::confirm(const CheckpointMark& last) {
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(checkpoint_table::confirm(database, last, in_token_));
    // Not with the consent: a crash until here leaves it to be accepted.
    return checkpoint_table::forget_old_state(database);
  }));
  old_state_.reset();
  return {};
}

Result<> accept_old_state(Database& database) {
  TRY(approval_table::expire_all(database));
  TRY(checkpoint_table::forget_records_seen(database));
  return revocation_table::skip_crl_numbers(database, kSkippedCrlNumbers);
}

}  // namespace hubseal::daemon
