#include "agent/http/watch.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <vector>

namespace hubseal::agent::http {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kTick{200};
constexpr std::chrono::seconds kLinger{2};
// Who is busy asks again sooner: only a client that is slow is ended to make room.
constexpr std::chrono::seconds kPatience{2};
// What was revoked is told to whoever connects: nobody stays connected for longer.
constexpr std::chrono::minutes kMaxAge{5};

}  // namespace

Watch::Entry::Entry(Watch& watch, int fd, std::string address) : watch_(watch) {
  State state;
  state.fd = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  state.address = std::move(address);
  state.since = state.born = steady_clock::now();
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
  state_->since = steady_clock::now();
  state_->deadline = watch_.deadline_of(phase);
  if (phase == Phase::idle && board->draining) end(*state_);
}

bool Watch::Entry::expired() const {
  auto board = watch_.board_.lock();
  return state_->expired;
}

bool Watch::Entry::crowded_out() const {
  auto board = watch_.board_.lock();
  return state_->crowded_out;
}

bool Watch::Entry::is_to_go() const {
  auto board = watch_.board_.lock();
  if (state_->born + kMaxAge < steady_clock::now()) return true;
  if (board->entries.size() <= watch_.places_ / 2) return false;
  const auto of_this_address = std::count_if(board->entries.begin(), board->entries.end(),
                                             [&](const State& other) { return other.address == state_->address; });
  return static_cast<std::size_t>(of_this_address) > watch_.places_ / 4;
}

Watch::Watch(Deadlines deadlines, std::size_t places)
    : deadlines_(deadlines), places_(places), thread_([this] { run(); }) {}

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

void Watch::make_room(Board& board, steady_clock::time_point now) const {
  if (board.entries.size() <= places_ / 2) return;
  std::map<std::string_view, std::vector<Entry::State*>> waiting;
  for (Entry::State& state : board.entries)
    if (state.waits()) waiting[state.address].push_back(&state);
  for (auto& [address, states] : waiting) {
    std::sort(states.begin(), states.end(),
              [](const auto* one, const auto* other) { return one->since < other->since; });
    std::size_t left = states.size();
    for (Entry::State* state : states) {
      if (left-- <= places_ / 4 || state->since + kPatience > now) break;
      state->crowded_out = true;
      end(*state);
    }
  }
}

void Watch::run() {
  auto board = board_.lock();
  while (!board->stopping) {
    const auto now = steady_clock::now();
    for (Entry::State& state : board->entries)
      if (!state.expired && state.deadline <= now) end(state);
    make_room(*board, now);
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
