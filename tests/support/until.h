#pragma once

#include <chrono>
#include <thread>

namespace hubseal::test {

/// Whether it comes to hold. The bound ends only a test in which it never does: no busy machine reaches it.
template <class Condition>
[[nodiscard]] bool until(Condition holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // who is waited for wants the core
  }
  return true;
}

}  // namespace hubseal::test
