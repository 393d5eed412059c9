#include "agent/auth/call_watch.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace hubseal::agent::auth {
namespace {

using std::chrono::steady_clock;

// A call that was about to connect when it was ended has not noticed: it is told again.
constexpr std::chrono::milliseconds kAgain{100};

}  // namespace

CallWatch::Call::Call(CallWatch& watch, int fd, Time deadline) : watch_(watch) {
  State state = {.fd = UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)), .deadline = deadline};
  if (!state.fd) throw std::system_error(errno, std::generic_category(), "a call's socket cannot be put under watch");
  auto board = watch_.board_.lock();
  board->calls.push_front(std::move(state));
  ++board->begun;
  state_ = board->calls.begin();
  watch_.changed_.notify_all();
}

CallWatch::Call::~Call() { watch_.board_.lock()->calls.erase(state_); }

bool CallWatch::Call::ended() const {
  auto board = watch_.board_.lock();
  return state_->ended || board->stopped;
}

CallWatch::CallWatch() : thread_([this] { run(); }) {}

CallWatch::~CallWatch() {
  board_.lock()->gone = true;
  changed_.notify_all();
  thread_.join();
}

void CallWatch::stop() {
  board_.lock()->stopped = true;
  changed_.notify_all();
}

void CallWatch::run() {
  auto board = board_.lock();
  while (!board->gone) {
    const Time now = steady_clock::now();
    Time next = Time::max();
    for (Call::State& call : board->calls) {
      if (board->stopped || call.deadline <= now) {
        call.ended = true;
        ::shutdown(call.fd.get(), SHUT_RDWR);
        next = std::min(next, now + kAgain);
      } else {
        next = std::min(next, call.deadline);
      }
    }
    const auto changed = [&, begun = board->begun, stopped = board->stopped] {
      return board->gone || board->stopped != stopped || board->begun != begun;
    };
    if (next == Time::max())
      board.wait(changed_, changed);
    else
      board.wait_until(changed_, next, changed);
  }
}

}  // namespace hubseal::agent::auth
