#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::daemon {

/// Whether anything may be signed now. Whoever finds a reason against it closes the gate under a word of
/// its own ("seal", "checkpoint") and opens it under the same word; it is open when nobody holds it closed. A reason
/// may be given for a moment that is still to come: if nobody takes it back until then, the gate closes by itself.
/// Threads: share it freely.
class Gate {
 public:
  /// The right to sign, for as long as it lives.
  class Pass {
   public:
    Pass(Gate& gate, std::uint64_t number) : gate_(&gate), number_(number) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), number_(other.number_) {}
    Pass& operator=(Pass&&) = delete;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() {
      if (gate_) gate_->leave(number_);
    }

   private:
    Gate* gate_;
    std::uint64_t number_;
  };

  /// Errors: the first of the reasons.
  Result<Pass> enter();
  /// Whether everybody who is inside now has left by then; others may come in meanwhile, if the gate is open. Not for
  /// somebody who is inside.
  bool wait_for_those_inside(std::chrono::steady_clock::time_point deadline);

  /// `reason` is what a client is told who wants a signature. Who is inside stays there.
  void close(std::string_view word, Error reason);
  /// From `when` on, unless open() or close() say something else under this word until then: for what must not depend
  /// on the thread that may be the one that hangs.
  void close_at(std::string_view word, std::chrono::steady_clock::time_point when, Error reason);
  void open(std::string_view word);

  bool is_closed(std::string_view word) const;
  /// All of the reasons that hold now, in words.
  std::vector<std::string> reasons() const;

 private:
  struct Closing {
    Error reason;
    std::chrono::steady_clock::time_point from = std::chrono::steady_clock::time_point::min();
    bool told = false;  ///< in the journal
  };
  struct State {
    std::map<std::string, Closing, std::less<>> closed;
    std::set<std::uint64_t> inside;  // numbers of passes
    std::uint64_t next = 0;
  };
  void leave(std::uint64_t number);
  static void tell(std::string_view word, Closing& closing);
  static void tell_open(std::string_view word, Closing& closing);

  mutable Guarded<State> state_;
  std::condition_variable left_;
};

}  // namespace hubseal::daemon
