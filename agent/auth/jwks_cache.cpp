#include "agent/auth/jwks_cache.h"

#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

// Tokens with invented key names shall not hold every thread while the provider is slow.
constexpr int kMaxWaiting = 8;

auto now() { return std::chrono::steady_clock::now(); }

}  // namespace

JwksCache::JwksCache(Fetch fetch, Times times) : fetch_(std::move(fetch)), times_(times), thread_([this] { run(); }) {}

JwksCache::~JwksCache() {
  {
    auto state = state_.lock();
    state->stopping = true;
    changed_.notify_all();
  }
  thread_.join();
}

std::shared_ptr<const JwkSet> JwksCache::in_force(const State& state) const {
  return state.set && now() - state.fetched < times_.max_age ? state.set : nullptr;
}

std::shared_ptr<const JwkSet> JwksCache::get(const std::function<bool(const JwkSet&)>& has) {
  auto state = state_.lock();
  if (auto set = in_force(*state); set && has(*set)) return set;
  const bool recent = state->attempts > 0 && now() - state->attempted < times_.pause;
  if ((!state->fetching && recent) || state->waiting == kMaxWaiting) return in_force(*state);
  state->wanted = !state->fetching;
  ++state->waiting;
  const int seen = state->attempts;
  changed_.notify_all();
  state.wait_until(changed_, now() + times_.patience, [&] { return state->attempts != seen || state->stopping; });
  --state->waiting;
  return in_force(*state);
}

void JwksCache::fetch_once(Guarded<State>::Handle& state) {
  state->wanted = false;
  state->fetching = true;
  state.unlock();
  auto fetched = fetch_();
  state.relock();
  state->fetching = false;
  ++state->attempts;
  state->attempted = now();
  state->due = state->attempted + (fetched ? times_.refresh : times_.pause);
  if (!fetched && !state->failing)
    log::warning("the identity provider's keys cannot be fetched; those that are known are used until they are too old",
                 {{"problem", fetched.error().message}});
  if (fetched && state->failing) log::info("the identity provider's keys were fetched again");
  state->failing = !fetched;
  if (fetched) {
    state->set = std::make_shared<const JwkSet>(*std::move(fetched));
    state->fetched = state->attempted;
  }
  changed_.notify_all();
}

void JwksCache::run() {
  auto state = state_.lock();
  while (!state->stopping) {
    if (state->wanted || state->due <= now())
      fetch_once(state);
    else
      state.wait_until(changed_, state->due, [&] { return state->stopping || state->wanted; });
  }
}

}  // namespace hubseal::agent::auth
