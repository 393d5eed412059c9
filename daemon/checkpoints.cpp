#include "daemon/checkpoints.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"

namespace hubseal::daemon {
namespace {

using std::chrono::steady_clock;

constexpr std::string_view kGateWord = "checkpoint";
constexpr std::chrono::seconds kTick{1};

}  // namespace

tl::unexpected<Error> Checkpoints::fail_errno(std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable,
              fmt::format("checkpoints of the audit log: {}: {}", doing, std::strerror(problem)));
}

CheckpointMark Checkpoints::mark_of(const audit::Checkpoint& checkpoint) {
  return {checkpoint.size, Bytes(checkpoint.root.begin(), checkpoint.root.end())};
}

Result<> Checkpoints::make() {
  const std::lock_guard one_at_a_time(making_);
  if (!file_) return fail(Code::internal, "checkpoints were not started");
  TRY(refuse_altered());
  const audit::Tree tree = log_.tree();
  {
    auto state = state_.lock();
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
  TRY(refuse_altered());  // the token may have taken its time
  return Signed{checkpoint, std::move(note)};
}

Result<> Checkpoints::remember(Signed next) {
  const CheckpointMark mark = mark_of(next.checkpoint);
  if (settings_.begin_anew) TRY(guard_->forget_others());
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

Result<> Checkpoints::may_change() const {
  if (rollback())
    return fail(
        Code::sealed,
        "sealed: registry, audit log and token are not of one time (health says what differs); until the newest "
        "is restored or people accept what is there, only what takes rights away can be done");
  return refuse_altered();
}

Result<> Checkpoints::refuse_altered() const {
  auto state = state_.lock();
  if (!state->altered && state->unread)
    return fail(Code::storage_unavailable,
                "the records of the audit log have not all been read, so that nobody knows whether they were changed; "
                "what is there can be accepted once they have been");
  if (!state->altered) return {};
  return fail(
      Code::storage_unavailable,
      "the audit log was changed, which nobody can accept; until it is restored, no checkpoint is made and only "
      "what takes rights away can be done");
}

bool Checkpoints::begins_anew() const { return !state_.lock()->last || guard_->others(); }

Result<> Checkpoints::may_be_accepted() const {
  TRY(refuse_altered());
  auto state = state_.lock();
  const auto strangers = owner_decides(*state);
  if (!strangers || !state->rollback) return {};
  return fail(Code::policy_denied,
              fmt::format("{}: restore the newest state, or have the machine's owner accept this one with: hubseald "
                          "--accept-state",
                          *strangers));
}

Result<> Checkpoints::accept_rollback(const std::function<Result<>()>& consent) {
  const std::lock_guard one_at_a_time(making_);
  TRY(refuse_altered());
  if (!rollback())
    return fail(Code::conflict, "nothing is left to accept: what was of another time has been accepted meanwhile");
  Signed next = TRY(sign(log_.tree()));
  TRY(consent());
  TRY(remember(std::move(next)));
  count_each_other(AuditLog::kAllChanges);
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

/// While the state is of another time, or the log was changed: neither counts as what will be there in the end.
void Checkpoints::count_each_other(std::uint64_t changes) {
  log_.say_at_most(changes);
  if (changes == AuditLog::kAllChanges)
    registry_.see_records(log_.durable());
  else
    registry_.see_no_records();
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
  const bool due = is_due(steady_clock::now());  // says also when signing ends, whatever becomes of the rest
  note_decisions();
  const auto next = due ? make_due() : kTick;
  if (check_) check_on();
  return next;
}

std::chrono::milliseconds Checkpoints::make_due() {
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

void Checkpoints::note_decisions() {
  const std::lock_guard one_at_a_time(making_);  // nobody accepts it meanwhile
  const bool older = rollback().has_value();
  if ((!older && !state_.lock()->altered) || !hastened_.exchange(false)) return;
  const auto noted = guard_->note_decisions(older);
  const bool missed = std::exchange(token_misses_decisions_, !noted);
  if (noted && missed) log::info("the token remembers again what was decided");
  if (noted) return;
  hastened_ = true;
  if (!missed) log::warning("the token does not remember what was decided", {{"reason", noted.error().message}});
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
