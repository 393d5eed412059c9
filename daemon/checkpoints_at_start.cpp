#include "daemon/checkpoints.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/log.h"
#include "common/x509/public_key.h"

// What a start finds: whether the log is what was signed, and whether all is of one time.
namespace hubseal::daemon {
namespace {

using std::chrono::steady_clock;

constexpr std::int64_t kTailBytes = 64 << 10;  // many notes, of which the last one counts
constexpr std::chrono::minutes kUnreadable{1};

tl::unexpected<Error> disagree(std::string_view problem) {
  return fail(Code::storage_unavailable,
              fmt::format("the audit log is not the one that was signed: {}; nothing is signed before it is restored "
                          "(hubseal audit verify says what is wrong)",
                          problem));
}

}  // namespace

Result<> Checkpoints::start(const std::filesystem::path& folder, const std::string& instance, Settings settings) {
  settings_ = std::move(settings);
  origin_ = "hubseal/" + instance;
  guard_ = std::make_unique<RollbackGuard>(registry_, signer_, origin_, settings_.counter_in_token);
  TRY(guard_->read());
  if (const auto others = guard_->others(); others && !settings_.begin_anew)
    return fail(
        Code::conflict,
        fmt::format("the registry is new, and the token remembers another one ({}): what that one certified and "
                    "revoked is known to nobody here. Is state_dir the right folder, and mounted? Restore it; or, "
                    "to begin anew with this token, move it away and give once: hubseald --accept-state",
                    *others));
  if (!settings_.begin_anew) TRY(refuse_empty_log(registry_, log_, guard_->token()));
  key_ = TRY(find_or_make_key(instance));
  spki_ = TRY(signer_.find_key(key_)).spki;
  const auto path = folder / audit::kCheckpointsFile;
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) return fail_errno(path.string());
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("fsync of their folder");
  {
    auto state = state_.lock();
    TRY(read_back(*state));
    if (const auto held = hold_log(*state, folder); !held) {
      state->altered = true;
      gate_.close(kLogWord, held.error());
    }
  }
  const auto until = steady_clock::now() + settings_.check_at_start;
  const bool known_before = guard_->old_state().has_value();  // nothing is believed of such a log
  while (check_ && (known_before || steady_clock::now() < until) && read_on_before_ready()) continue;
  close_from(steady_clock::now() + kGrace);  // also where no tick ever comes
  TRY(find_old_state());
  compared_ = true;
  while (check_ && rollback() && read_on_before_ready()) continue;  // what people are asked to accept has been read,
  if (check_ && rollback()) state_.lock()->unread = true;           // or is not theirs to accept yet
  // Not sooner: it is counted, and a start that ends before it has compared must not hide what the next one is to find.
  // What a crash has left of the registry may not be on the disk yet; the log must not say what a power cut takes away.
  return registry_.write([](Database&) { return Result<>(); });
}

bool Checkpoints::read_on_before_ready() {
  log_.say_read(check_->read(), check_->wanted());
  return check_on();
}

/// Whether all is of one time. What is found stays found, whatever is written from here on.
Result<> Checkpoints::find_old_state() {
  auto state = state_.lock();
  const auto& before = guard_->old_state();
  state->rollback = guard_->difference(state->last ? std::optional(mark_of(*state->last)) : std::nullopt,
                                       before ? before->records : log_.found());
  const std::string lost = guard_->lost();
  if (!lost.empty()) state->rollback = state->rollback ? *state->rollback + "; " + lost : lost;
  // Also of a log that was altered: what is written until it is restored must not hide a registry that is older.
  if (state->rollback || state->altered) {
    OldState found = TRY(found_with(log_, registry_));
    found.lost_work = lost;
    count_each_other(TRY(guard_->note(found)));
    if (!state->rollback) hastened_ = true;  // what was decided before a crash may not be in the token
  } else {
    TRY(guard_->forget_old_state());
    count_each_other(AuditLog::kAllChanges);
  }
  if (!state->rollback) return {};
  const std::string way = owner_decides(*state) ? "the machine's owner accepts what is there (hubseald --accept-state)"
                                                : "people accept what is there (hubseal unseal)";
  gate_.close(RollbackGuard::kWord,
              {Code::sealed, fmt::format("sealed: registry, audit log and token are not of one time: {}; "
                                         "nothing is signed before the newest is restored, or {}",
                                         *state->rollback, way)});
  return {};
}

/// Why people cannot accept what is there.
std::optional<std::string> Checkpoints::owner_decides(const State& state) const {
  if (!guard_) return std::nullopt;
  if (const auto strangers = guard_->strangers()) return strangers;
  if (state.last || !guard_->remembers_any()) return std::nullopt;
  return "the audit log has no checkpoint that vouches for any of its records";
}

/// The key that the first start made. A token in which another hubseald (whose registry is lost) has left its own gets
/// a second one, called after this instance.
Result<KeyId> Checkpoints::find_or_make_key(const std::string& instance) {
  for (const Key& key : TRY(keyring_.list()))
    if (key.record.use == KeyUse::audit) return key.record.id;
  const std::string labels[] = {kKeyLabel, fmt::format("{}-{}", kKeyLabel, instance.substr(0, 8))};
  Result<Key> made = fail(Code::internal, "no audit key");
  for (const std::string& label : labels) {
    TRY(log_.record(Json{{"event", "key_intent"}, {"key", label}, {"type", "ec_p256"}, {"use", "audit"}}));
    made = keyring_.create(label, KeyType::ec_p256, KeyUse::audit);
    if (made || made.error().code != Code::conflict) break;
  }
  return TRY(std::move(made)).record.id;
}

/// The last whole note of ours. What a crash cut off behind it is taken away: it was never given to anybody.
Result<> Checkpoints::read_back(State& state) {
  struct stat info {};
  if (::fstat(file_.get(), &info) != 0) return fail_errno("fstat");
  const std::int64_t start = std::max<std::int64_t>(0, info.st_size - kTailBytes);
  std::string text = TRY(audit::read_range(file_.get(), start, info.st_size));
  // In the middle of the file: from the first line on that can only be the first one of a note.
  const std::size_t first = start == 0 ? 0 : text.find("\n\n" + origin_ + "\n");
  text.erase(0, first == std::string::npos ? text.size() : first + (start == 0 ? 0 : 2));
  const auto notes = audit::split_notes(text);
  const std::size_t whole =
      notes.empty() ? 0 : static_cast<std::size_t>(notes.back().data() + notes.back().size() - text.data()) + 1;
  state.end = info.st_size - static_cast<std::int64_t>(text.size() - whole);
  if (state.end < info.st_size && ::ftruncate(file_.get(), state.end) != 0) return fail_errno("truncate");
  if (notes.empty()) return {};
  auto note = audit::parse_note(notes.back());
  const auto last =
      note ? audit::parse_checkpoint(note->text) : Result<audit::Checkpoint>(tl::unexpected(note.error()));
  if (!last) {  // vouches for nothing; what the registry remembers is not there then
    log::warning("the last checkpoint of the audit log cannot be read", {{"reason", last.error().message}});
    return {};
  }
  state.note = *std::move(note);
  state.last = *last;
  return {};
}

/// Whether the log begins with what this is the root of, as far as the stored hashes tell, which may be at fault.
Result<bool> Checkpoints::begins_with(const CheckpointMark& mark) {
  const auto same = [&] {
    const auto tree = audit::read_tree(mark.size, log_.reader());
    const audit::Hash root = tree ? tree->root() : audit::Hash{};
    return tree && std::equal(root.begin(), root.end(), mark.root.begin(), mark.root.end());
  };
  if (same()) return true;
  if (!log_.is_read()) TRY(log_.rebuild_tree());
  return same();
}

/// Holds the log to its own last checkpoint, and to what registry and token remember, because the file of checkpoints
/// may be gone, or be an older one. All records up to the last that anybody vouches for are to be read.
Result<> Checkpoints::hold_log(const State& state, const std::filesystem::path& folder) {
  CheckpointMark newest;
  if (state.last) {
    TRY(hold_to_last(state));
    newest = mark_of(*state.last);
  }
  const std::uint64_t records = TRY(held_records());
  for (const CheckpointMark& mark : guard_->to_hold_to(records)) {
    if (!TRY(begins_with(mark))) return disagree(fmt::format("one of its first {} records was changed", mark.size));
    if (newest.size < mark.size) newest = mark;
  }
  // Which may also be a whole log of another time: that is no checkpoint of ours, and the owner's to say.
  if (const auto& token = guard_->token(); token && token->mark.size != 0 && token->mark.size <= records)
    if (!TRY(begins_with(token->mark)))
      guard_->distrust("the audit log is not the one whose checkpoint the token remembers");
  if (log_.unread() > newest.size) TRY(log_.rebuild_tree());
  if (newest.size == 0) return {};
  audit::Checkpoint vouched{origin_, newest.size, {}};
  std::copy(newest.root.begin(), newest.root.end(), vouched.root.begin());
  check_.emplace(folder, vouched);
  return {};
}

Result<> Checkpoints::hold_to_last(const State& state) {
  const audit::Checkpoint& last = *state.last;
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki_));
  if (!audit::is_signed_by(state.note, last.origin, spki_, key.get()) || last.origin != origin_)
    return disagree("its last checkpoint is not signed by this hubseald's audit key");
  if (last.size > log_.records())
    return disagree(fmt::format("it ends with record {}, and {} were signed", log_.records(), last.size));
  if (!TRY(begins_with(mark_of(last))))
    return disagree(fmt::format("one of its first {} records was changed", last.size));
  return {};
}

/// How many records the marks may speak of. A log that was put back has grown since, in another way than before: what
/// it holds beyond its length of then is not held to them. One that was put in its place since is.
Result<std::uint64_t> Checkpoints::held_records() {
  const auto& before = guard_->old_state();
  if (!before || before->records > log_.found()) return log_.found();
  if (before->root.empty()) return before->records;  // noted by an earlier hubseald
  if (before->records != 0 && !TRY(begins_with({before->records, before->root}))) return log_.found();
  return before->records;
}

/// Found while it works: the next start reads all of it before anything is signed. What is written from here on must
/// not look as if it had been lost once the log is restored.
void Checkpoints::close_altered(const Error& why) {
  {
    auto state = state_.lock();  // who sees the gate closed sees why: a signature that ends now makes no checkpoint
    state->altered = true;
    gate_.close(kLogWord, why);
  }
  if (!compared_) return;  // find_old_state() notes it
  const std::lock_guard one_at_a_time(making_);
  const auto& before = guard_->old_state();
  // Before the count is noted, so that no record says more; what was noted before allows less.
  if (!before) count_each_other(registry_.changes());
  const audit::Tree tree = log_.tree();
  const audit::Hash root = tree.root();
  const auto noted = guard_->note(
      {before ? before->lost_work : "", tree.size(), Bytes(root.begin(), root.end()), registry_.changes()});
  if (noted)
    count_each_other(*noted);
  else
    log::warning("that the audit log was changed was not noted", {{"reason", noted.error().message}});
}

/// Reads on in the records; the verdict closes the gate, or ends the reading. False while there is none to be had,
/// which is believed for a while only.
bool Checkpoints::check_on() {
  Result<bool> done = false;
  try {
    done = check_->step();
  } catch (const std::exception& fault) {
    // Whoever changed the log may have meant it to.
    const std::string reason = fmt::format("the records of the audit log could not be checked: {}", fault.what());
    log::error("the check of the audit log failed", {{"fault", fault.what()}});
    gate_.close(kLogWord, {Code::storage_unavailable, reason + "; nothing is signed until they can"});
    return false;
  }
  if (!done && done.error().code == Code::storage_unavailable) {
    log::warning("records of the audit log could not be checked", {{"reason", done.error().message}});
    if (!unreadable_since_) unreadable_since_ = steady_clock::now();
    if (gate_.is_closed(kLogWord)) return false;  // also by a check that threw: no later moment takes its place
    gate_.close_at(kLogWord, *unreadable_since_ + kUnreadable,
                   {Code::storage_unavailable,
                    "records of the audit log cannot be read, so that nobody knows whether they were "
                    "changed; nothing is signed until they can: " +
                        done.error().message});
    return false;
  }
  unreadable_since_.reset();
  if (done)
    gate_.open(kLogWord);
  else
    close_altered(disagree(done.error().message).value());
  if (!done || *done) {
    check_.reset();
    state_.lock()->unread = false;
  }
  return true;
}

}  // namespace hubseal::daemon
