#include "daemon/checkpoints.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/audit/log_files.h"
#include "common/log.h"
#include "common/x509/public_key.h"

namespace hubseal::daemon {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kGateWord = "checkpoint";
constexpr std::string_view kLogWord = "audit log";
constexpr std::int64_t kTailBytes = 64 << 10;  // many notes, of which the last one counts
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kGrace{10};  // for a tick that comes late
constexpr std::chrono::minutes kUnreadable{1};

tl::unexpected<Error> fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable,
              fmt::format("checkpoints of the audit log: {}: {}", doing, std::strerror(problem)));
}

Result<> sync_folder(const std::filesystem::path& folder) {
  const UniqueFd directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory || ::fsync(directory.get()) != 0) return fail_errno("fsync of their folder");
  return {};
}

tl::unexpected<Error> disagree(std::string_view problem) {
  return fail(Code::storage_unavailable,
              fmt::format("the audit log is not the one that was signed: {}; nothing is signed before it is restored "
                          "(hubseal audit verify says what is wrong)",
                          problem));
}

tl::unexpected<Error> fail_altered() {
  return fail(Code::storage_unavailable, "the audit log was changed, which nobody can accept: restore it first");
}

CheckpointMark mark_of(const audit::Checkpoint& checkpoint) {
  return {checkpoint.size, Bytes(checkpoint.root.begin(), checkpoint.root.end())};
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
  key_ = TRY(find_or_make_key(instance));
  spki_ = TRY(signer_.find_key(key_)).spki;
  const auto path = folder / audit::kCheckpointsFile;
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) return fail_errno(path.string());
  TRY(sync_folder(folder));
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
  while (check_ && (known_before || steady_clock::now() < until) && check_on()) continue;
  close_from(steady_clock::now() + kGrace);  // also where no tick ever comes
  TRY(find_old_state());
  while (check_ && rollback() && check_on()) continue;  // what people are asked to accept has been read
  return {};
}

/// Whether all is of one time. What is found stays found, whatever is written from here on.
Result<> Checkpoints::find_old_state() {
  auto state = state_.lock();
  const auto& before = guard_->old_state();
  state->rollback = guard_->difference(state->last ? std::optional(mark_of(*state->last)) : std::nullopt,
                                       before ? before->records : log_.found());
  const std::string lost = guard_->lost(state->rollback.has_value());
  if (!lost.empty()) state->rollback = state->rollback ? *state->rollback + "; " + lost : lost;
  // Also of a log that was altered: what is written until it is restored must not hide a registry that is older.
  log_.say_at_most(TRY(guard_->note(state->rollback || state->altered, lost, log_)));
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
    gate_.close_at(kLogWord, *unreadable_since_ + kUnreadable,
                   {Code::storage_unavailable,
                    "records of the audit log cannot be read, so that nobody knows whether they were "
                    "changed; nothing is signed until they can: " +
                        done.error().message});
    return false;
  }
  unreadable_since_.reset();
  gate_.open(kLogWord);
  if (!done) {
    state_.lock()->altered = true;
    gate_.close(kLogWord, disagree(done.error().message).value());
    // The next start reads all of it before anything is signed.
    if (const auto noted = guard_->note(true, guard_->lost(false), log_); !noted)
      log::warning("that the audit log was changed was not noted", {{"reason", noted.error().message}});
  }
  if (!done || *done) check_.reset();
  return true;
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
  if (before->records != 0 && !TRY(begins_with({before->records, before->root}))) return log_.found();
  return before->records;
}

Result<> Checkpoints::make() {
  const std::lock_guard one_at_a_time(making_);
  if (!file_) return fail(Code::internal, "checkpoints were not started");
  const audit::Tree tree = log_.tree();
  {
    auto state = state_.lock();
    if (state->altered) return fail(Code::storage_unavailable, "the audit log disagrees with its last checkpoint");
    if (state->rollback) return fail(Code::sealed, *state->rollback);
    if (state->last && state->last->size == tree.size()) {
      state->waiting_since.reset();
      return {};
    }
  }
  TRY(remember(TRY(sign(tree))));
  state_.lock()->waiting_since.reset();
  return {};
}

Result<Checkpoints::Signed> Checkpoints::sign(const audit::Tree& tree) {
  const audit::Checkpoint checkpoint{origin_, tree.size(), tree.root()};
  audit::SignedNote note{audit::text_of(checkpoint), {}};
  const Bytes raw = TRY(signer_.sign(key_, SignatureAlgorithm::ecdsa_sha256, as_bytes(note.text)));
  note.signatures.push_back({origin_, audit::ecdsa_signer_id(spki_), TRY(ecdsa_raw_to_der(raw))});
  return Signed{checkpoint, std::move(note)};
}

Result<> Checkpoints::remember(Signed next) {
  const CheckpointMark mark = mark_of(next.checkpoint);
  TRY(guard_->announce(mark));
  {
    auto state = state_.lock();
    TRY(append(*state, next.note));
    state->last = std::move(next.checkpoint);
    state->note = std::move(next.note);
  }
  if (settings_.begin_anew) TRY(guard_->forget_others());
  return guard_->confirm(mark);
}

std::optional<std::string> Checkpoints::rollback() const { return state_.lock()->rollback; }

Result<> Checkpoints::may_change() const {
  auto state = state_.lock();
  if (state->rollback)
    return fail(
        Code::sealed,
        "sealed: registry, audit log and token are not of one time (health says what differs); until the newest "
        "is restored or people accept what is there, only what takes rights away can be done");
  if (state->altered)
    return fail(Code::storage_unavailable,
                "the audit log was changed; until it is restored, only what takes rights away can be done");
  return {};
}

bool Checkpoints::begins_anew() const { return !state_.lock()->last || guard_->others(); }

Result<> Checkpoints::may_be_accepted() const {
  auto state = state_.lock();
  if (state->altered) return fail_altered();
  const auto strangers = owner_decides(*state);
  if (!strangers || !state->rollback) return {};
  return fail(Code::policy_denied,
              fmt::format("{}: restore the newest state, or have the machine's owner accept this one with: hubseald "
                          "--accept-state",
                          *strangers));
}

Result<> Checkpoints::accept_rollback(const std::function<Result<>()>& consent) {
  const std::lock_guard one_at_a_time(making_);
  if (state_.lock()->altered) return fail_altered();
  Signed next = TRY(sign(log_.tree()));
  TRY(consent());
  TRY(remember(std::move(next)));
  log_.say_at_most(AuditLog::kAllChanges);
  state_.lock()->rollback.reset();
  gate_.open(RollbackGuard::kWord);
  return {};
}

Result<> Checkpoints::append(State& state, const audit::SignedNote& note) {
  const std::string text = audit::to_text(note) + "\n";
  // What cannot be read back would stop the next start.
  TRY(audit::parse_note(std::string_view(text).substr(0, text.size() - 1)));
  std::string_view left = text;
  while (!left.empty()) {
    const auto at = state.end + static_cast<std::int64_t>(text.size() - left.size());
    const ssize_t put = ::pwrite(file_.get(), left.data(), left.size(), at);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) {
      const auto refused = fail_errno("cannot be written");
      if (::ftruncate(file_.get(), state.end) != 0) log::warning("a checkpoint was left half written");
      return refused;
    }
    left.remove_prefix(static_cast<std::size_t>(put));
  }
  if (::fdatasync(file_.get()) != 0) return fail_errno("fdatasync");
  state.end += static_cast<std::int64_t>(text.size());
  return {};
}

/// Whether one is to be made now. Says at every time when the gate closes if none comes: once the token hangs in the
/// very signature, it is too late to say so.
bool Checkpoints::is_due(steady_clock::time_point now) {
  auto state = state_.lock();
  if (state->altered || state->rollback) {
    gate_.open(kGateWord);  // it is closed under another word
    return false;
  }
  const std::uint64_t waiting = log_.records() - (state->last ? state->last->size : 0);
  if (waiting == 0) state->waiting_since.reset();
  if (waiting != 0 && !state->waiting_since) state->waiting_since = now;
  close_from(state->waiting_since.value_or(now + kGrace));
  return waiting != 0 && (hastened_ || waiting >= settings_.records || now - *state->waiting_since >= settings_.period);
}

/// The gate, where the oldest record without a checkpoint has waited since then.
void Checkpoints::close_from(steady_clock::time_point since) {
  gate_.close_at(
      kGateWord, since + settings_.period * kPatience,
      {Code::storage_unavailable,
       fmt::format("the last checkpoint of the audit log is too old; nothing is signed until one can be made: {}",
                   problem_.empty() ? "the token has not answered yet" : problem_)});
}

std::chrono::milliseconds Checkpoints::tick() {
  const auto now = steady_clock::now();
  is_due(now);  // says when signing ends, whatever becomes of the rest
  note_decisions();
  if (check_) check_on();
  if (!is_due(now)) return kTick;
  const bool hastened = hastened_.exchange(false);
  const auto made = make();
  problem_ = made ? "" : made.error().message;
  if (made) {
    close_from(steady_clock::now() + kGrace);
    return kTick;
  }
  if (hastened) hastened_ = true;
  log::warning("no checkpoint of the audit log", {{"reason", problem_}});
  return settings_.period < kTick * 5 ? std::chrono::milliseconds(kTick) : std::chrono::milliseconds(kTick * 5);
}

/// Where no checkpoint can be made, the token remembers all the same that something was decided.
void Checkpoints::note_decisions() {
  const bool older = rollback().has_value();
  if ((!older && !state_.lock()->altered) || !hastened_.exchange(false)) return;
  const std::lock_guard one_at_a_time(making_);
  const auto noted = guard_->note_decisions(older);
  if (noted) return;
  hastened_ = true;
  log::warning("the token does not remember what was decided", {{"reason", noted.error().message}});
}

Result<Checkpoints::Latest> Checkpoints::latest() const {
  auto state = state_.lock();
  if (!state->last) return fail(Code::not_found, "there is no checkpoint of the audit log yet");
  return Latest{*state->last, audit::to_text(state->note)};
}

Result<Bytes> Checkpoints::public_key() const {
  if (spki_.empty()) return fail(Code::not_found, "there is no audit key yet");
  return spki_;
}

Result<std::vector<std::string>> Checkpoints::add_cosignatures(std::string_view text) {
  const audit::SignedNote handed_in = TRY(audit::parse_note(text));
  auto state = state_.lock();
  if (!state->last || handed_in.text != state->note.text)
    return fail(Code::conflict, "this is not the latest checkpoint; wanted a cosignature of what get_checkpoint gives");
  audit::SignedNote note = state->note;
  std::vector<std::string> names;
  bool news = false;
  for (const audit::Witness& witness : settings_.witnesses) {
    const auto at = audit::cosigned_at(handed_in, witness), known_at = audit::cosigned_at(note, witness);
    if (!at) continue;
    names.push_back(witness.name);
    if (known_at && *known_at >= *at) continue;  // the newest stays
    news = true;
    std::erase_if(note.signatures, [&](const audit::NoteSignature& known) { return known.signer == witness.id; });
    for (const audit::NoteSignature& signature : handed_in.signatures) {
      const audit::SignedNote alone{handed_in.text, {signature}};
      if (audit::cosigned_at(alone, witness)) {
        note.signatures.push_back(signature);
        break;
      }
    }
  }
  if (names.empty())
    return fail(Code::bad_request, "no witness of [audit] in hubseald.toml has cosigned this; wanted a cosignature/v1");
  if (!news) return names;
  TRY(append(*state, note));
  state->note = std::move(note);
  return names;
}

}  // namespace hubseal::daemon
