#include "agent/http/watch.h"

#include <fcntl.h>
#include <sys/socket.h>

namespace hubseal::agent::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::seconds kLinger{2};

}  // namespace

Watch::Entry::Entry(Watch& watch, int fd) : watch_(watch) {
  State state;
  state.fd = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  state.deadline = watch.deadline_of(Phase::reading);  // the first request is due like the rest of one
  auto board = watch.board_.lock();
  board->entries.push_front(std::move(state));
  state_ = board->entries.begin();
}

Watch::Entry::~Entry() {
  auto board = watch_.board_.lock();
  board->entries.erase(state_);
  if (board->entries.empty()) watch_.changed_.notify_all();
}

void Watch::Entry::enter(Phase phase) {
  auto board = watch_.board_.lock();
  state_->phase = phase;
  state_->deadline = watch_.deadline_of(phase);
  if (phase == Phase::idle && board->draining) end(*state_);
}

bool Watch::Entry::expired() const {
  auto board = watch_.board_.lock();
  return state_->expired;
}

Watch::Watch(Deadlines deadlines) : deadlines_(deadlines), thread_([this] { run(); }) {}

Watch::~Watch() {
  {
    auto board = board_.lock();
    board->stopping = true;
    changed_.notify_all();
  }
  thread_.join();
}

steady_clock::time_point Watch::deadline_of(Phase phase) const {
  const auto now = steady_clock::now();
  switch (phase) {
    case Phase::idle: return now + deadlines_.idle;
    case Phase::reading:
    case Phase::writing: return now + deadlines_.request;
    case Phase::working: return steady_clock::time_point::max();
    case Phase::lingering: return now + kLinger;
  }
  return now;
}

void Watch::end(Entry::State& state) {
  state.expired = true;
  // Someone who was too slow with a request can still be told so.
  ::shutdown(state.fd.get(), state.phase == Phase::reading ? SHUT_RD : SHUT_RDWR);
}

void Watch::run() {
  auto board = board_.lock();
  while (!board->stopping) {
    const auto now = steady_clock::now();
    for (Entry::State& state : board->entries)
      if (!state.expired && state.deadline <= now) end(state);
    board.wait_until(changed_, now + kTick, [&] { return board->stopping; });
  }
}

bool Watch::draining() const { return board_.lock()->draining; }

void Watch::drain(std::chrono::milliseconds limit) {
  auto board = board_.lock();
  board->draining = true;
  for (Entry::State& state : board->entries)
    if (state.phase == Phase::idle) end(state);
  const auto empty = [&] { return board->entries.empty(); };
  if (board.wait_until(changed_, steady_clock::now() + limit, empty)) return;
  for (Entry::State& state : board->entries) {
    state.expired = true;
    ::shutdown(state.fd.get(), SHUT_RDWR);
  }
}

}  // namespace hubseal::agent::http
