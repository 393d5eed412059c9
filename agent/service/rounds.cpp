#include "agent/service/rounds.h"

#include <utility>

namespace hubseal::agent {

Rounds::Rounds(std::chrono::milliseconds pause, Round round)
    : pause_(pause), round_(std::move(round)), thread_([this] { run(); }) {}

Rounds::~Rounds() {
  stop();
  thread_.join();
}

void Rounds::stop() {
  *stopping_.lock() = true;
  stopped_.notify_all();
}

bool Rounds::stopping() { return *stopping_.lock(); }

void Rounds::run() {
  auto stopping = stopping_.lock();
  while (!*stopping) {
    stopping.unlock();
    if (!round_()) return;
    stopping.relock();
    stopping.wait_until(stopped_, std::chrono::steady_clock::now() + pause_, [&] { return *stopping; });
  }
}

}  // namespace hubseal::agent
