#include "hsm/recovery.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::hsm {

using std::chrono::steady_clock;

/// While it lives the lock is given up and nobody else begins an attempt. It ends the attempt as one that failed,
/// also when an exception does: else everybody would wait for ever for an end that nobody tells.
class Recovery::Attempt {
 public:
  Attempt(Recovery& recovery, StateHandle& state) : recovery_(recovery), state_(state) {
    state_->opening = true;
    state_.unlock();
  }
  ~Attempt() {
    state_.relock();
    state_->opening = false;
    state_->has_signed = false;
    state_->problem = "it was lost, and the last attempt to open it was in vain";
    state_->pause.begin(recovery_.config_);
    recovery_.changed_.notify_all();
  }
  Attempt(const Attempt&) = delete;  // takes the lock back once
  Attempt& operator=(const Attempt&) = delete;

 private:
  Recovery& recovery_;
  StateHandle& state_;
};

Recovery::Recovery(TokenConfig config) : config_(std::move(config)), login_(config_) {}

Result<Recovery::Use> Recovery::enter() {
  const auto deadline = steady_clock::now() + config_.deadline;
  auto state = state_.lock();
  while (!usable(state)) {
    if (const auto refused = login_.refused()) return tl::unexpected(*refused);
    if (!state->pause.over(config_) && !state->opening)
      return fail(Code::hsm_unavailable, "the token is unavailable: " + problem_of(*state));
    if (state->generation) state->generation->close();

    const auto my_turn = [&] { return usable(state) || (!state->opening && state->users == 0); };
    if (!state.wait_until(changed_, deadline, my_turn))
      return fail(Code::hsm_unavailable, "the token was lost and could not be opened anew in time");
    if (usable(state) || !state->pause.over(config_)) continue;
    TRY(replace_generation(state));
  }
  ++state->users;
  return Use(*this, *state->generation);
}

Result<> Recovery::replace_generation(StateHandle& state) {
  const bool futile = state->opened > 0 && !state->has_signed;
  std::unique_ptr<Generation> old = std::move(state->generation);
  const std::set<KeyId> in_use = state->in_use;
  const std::optional<TokenIdentity> known = state->began_with;
  auto next = [&] {
    const Attempt attempt(*this, state);
    old.reset();  // C_Finalize before C_Initialize: some modules look for tokens only then
    return open_next(in_use, known);
  }();
  if (!next) {
    log::error("token not opened", {{"reason", next.error().message}});
    state->problem = next.error().message;
    return tl::unexpected(next.error());
  }
  if (!futile) state->pause = {};
  state->generation = std::move(*next);
  state->problem.clear();
  const Token& token = state->generation->token();
  if (!known) state->began_with = token.identity();
  state->last_opened = {.ready = true,
                        .problem = "",
                        .label = token.label,
                        .serial = token.serial,
                        .module = config_.module.string(),
                        .manufacturer = token.manufacturer,
                        .generation = ++state->opened,
                        .sessions = state->generation->sessions()};
  log::info("token opened", {{"label", token.label},
                             {"serial", token.serial},
                             {"generation", std::to_string(state->opened)},
                             {"sessions", std::to_string(state->last_opened.sessions)}});
  return {};
}

Result<std::unique_ptr<Generation>> Recovery::open_next(const std::set<KeyId>& in_use,
                                                        const std::optional<TokenIdentity>& known) {
  // If it was lost over each of them it is the token that does not work, and not a key.
  const auto held_out = [this](const KeyId& id) { return held_out_.contains(id); };
  if (!in_use.empty() && std::all_of(in_use.begin(), in_use.end(), held_out)) held_out_.release_all();
  auto generation = TRY(Generation::open({config_, login_, quarantine_, held_out_}, known));
  for (const KeyId& id : in_use) {
    const Result<> proof = quarantine_.reason(id) || held_out(id) ? Result<>() : generation->prove_key(id);
    if (proof) continue;
    if (generation->lost()) return tl::unexpected(proof.error());
    // Missing, or quarantined by its own signature: that key is refused, the others are served.
    log::error("key not proven after the token was opened anew",
               {{"key", to_string(id)}, {"reason", proof.error().message}});
  }
  if (!in_use.empty() &&
      std::none_of(in_use.begin(), in_use.end(), [&](const KeyId& id) { return generation->shows(id); })) {
    held_out_.release_all();  // what rests may be all that there is to begin with
    return fail(Code::hsm_unavailable,
                fmt::format("the token {} shows none of the {} keys that were in use; it is opened again until it does",
                            log::printable(generation->token().label, 32), in_use.size()));
  }
  return generation;
}

void Recovery::leave(const std::optional<KeyId>& signed_with) {
  auto state = state_.lock();
  if (signed_with) {
    state->has_signed = true;
    if (!state->destroyed.contains(*signed_with)) state->in_use.insert(*signed_with);
  }
  if (--state->users == 0 && !usable(state)) changed_.notify_all();
}

TokenStatus Recovery::status() {
  auto state = state_.lock();
  TokenStatus status = state->last_opened;
  const auto refused = login_.refused();
  status.ready = usable(state) && !refused;
  if (!status.ready) status.problem = refused ? refused->message : problem_of(*state);
  return status;
}

}  // namespace hubseal::hsm
