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
constexpr std::string_view kRollbackWord = "rollback";
constexpr std::int64_t kTailBytes = 64 << 10;  // many notes, of which the last one counts
constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::seconds kGrace{10};  // for a tick that comes late
constexpr std::chrono::minutes kUnreadable{1};

tl::unexpected<Error> fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable,
              fmt::format("checkpoints of the audit log: {}: {}", doing, std::strerror(problem)));
}

tl::unexpected<Error> disagree(std::string_view problem) {
  return fail(Code::storage_unavailable,
              fmt::format("the audit log is not the one that was signed: {}; nothing is signed before it is restored "
                          "(hubseal audit verify says what is wrong)",
                          problem));
}

tl::unexpected<Error> altered() {
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
  TRY(guard_->forget_others());
  key_ = TRY(find_or_make_key(instance));
  spki_ = TRY(signer_.find_key(key_)).spki;
  const auto path = folder / audit::kCheckpointsFile;
  file_ = UniqueFd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file_) return fail_errno(path.string());
  {
    auto state = state_.lock();
    TRY(read_back(*state));
    if (const auto held = hold_to_last(*state); !held) {
      state->altered = true;
      gate_.close(kLogWord, held.error());
    } else if (const auto newest = TRY(hold_to_marks(*state))) {
      check_.emplace(folder, *newest);
    }
  }
  const auto until = steady_clock::now() + settings_.check_at_start;
  while (check_ && steady_clock::now() < until && check_on()) continue;
  close_from(steady_clock::now() + kGrace);  // also where no tick ever comes
  return find_old_state(folder);
}

/// Whether all is of one time. What is found stays found, whatever is written from here on.
Result<> Checkpoints::find_old_state(const std::filesystem::path& folder) {
  auto state = state_.lock();
  state->rollback = guard_->difference(state->last ? std::optional(mark_of(*state->last)) : std::nullopt, log_.records());
  if (!state->rollback) state->rollback = guard_->lost();
  if (!state->rollback && !state->altered) state->rollback = TRY(lost_work(registry_, folder));
  // Also of a log that was altered: what is written until it is restored must not hide a registry that is older.
  TRY(guard_->note(state->rollback || state->altered, log_.records()));
  if (!state->rollback) return {};
  const std::string way = owner_decides(*state) ? "the machine's owner accepts what is there (hubseald --accept-state)"
                                              : "people accept what is there (hubseal unseal)";
  gate_.close(kRollbackWord,
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
  state.note = TRY(audit::parse_note(notes.back()));
  state.last = TRY(audit::parse_checkpoint(state.note.text));
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
  }
  if (!done || *done) check_.reset();
  return true;
}

/// Whether the log is what was signed last, and more, as far as the stored hashes tell.
Result<> Checkpoints::hold_to_last(const State& state) {
  if (!state.last) return {};
  const audit::Checkpoint& last = *state.last;
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki_));
  if (!audit::is_signed_by(state.note, last.origin, spki_, key.get()) || last.origin != origin_)
    return disagree("its last checkpoint is not signed by this hubseald's audit key");
  if (last.size > log_.records())
    return disagree(fmt::format("it ends with record {}, and {} were signed", log_.records(), last.size));
  const auto same = [&] {
    const auto tree = audit::read_tree(last.size, log_.reader());
    return tree && tree->root() == last.root;
  };
  if (same()) return {};
  TRY(log_.rebuild_tree());  // the stored hashes may be at fault
  if (same()) return {};
  return disagree(fmt::format("one of its first {} records was changed", last.size));
}

/// Likewise to what registry and token remember, because the file of checkpoints may be gone, or be an older one. What
/// vouches for the most records: all of them are to be read.
Result<std::optional<audit::Checkpoint>> Checkpoints::hold_to_marks(State& state) {
  std::optional<audit::Checkpoint> newest = state.last;
  for (const CheckpointMark& mark : guard_->to_hold_to(log_.records())) {
    const audit::Tree tree = TRY(audit::read_tree(mark.size, log_.reader()));
    const audit::Hash root = tree.root();
    if (!std::equal(root.begin(), root.end(), mark.root.begin(), mark.root.end())) {
      state.altered = true;
      gate_.close(kLogWord, disagree(fmt::format("one of its first {} records was changed", mark.size)).value());
      return std::optional<audit::Checkpoint>();
    }
    if (!newest || newest->size < mark.size) newest = audit::Checkpoint{origin_, mark.size, root};
  }
  return newest;
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
  return guard_->confirm(mark);
}

std::optional<std::string> Checkpoints::rollback() const { return state_.lock()->rollback; }

Result<> Checkpoints::may_be_accepted() const {
  auto state = state_.lock();
  if (state->altered) return altered();
  const auto strangers = owner_decides(*state);
  if (!strangers || !state->rollback) return {};
  return fail(Code::policy_denied,
              fmt::format("{}: restore the newest state, or have the machine's owner accept this one with: hubseald "
                          "--accept-state",
                          *strangers));
}

Result<> Checkpoints::accept_rollback(const std::function<Result<>()>& consent) {
  const std::lock_guard one_at_a_time(making_);
  if (state_.lock()->altered) return altered();
  Signed next = TRY(sign(log_.tree()));
  TRY(consent());
  TRY(remember(std::move(next)));
  state_.lock()->rollback.reset();
  gate_.open(kRollbackWord);
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
