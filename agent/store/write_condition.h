#pragma once

#include <functional>

#include "common/result.h"

namespace hubseal::agent::store {

/// What must hold for the next write of this thread, as long as this exists. It is looked at once the write has begun,
/// when nobody else can write any more, whatever agent they ask; where it does not hold, nothing is written and the
/// write's error is that of the condition.
/// Of the thread and no argument of each write, so that whoever writes need not know that there is one.
class WriteCondition {
 public:
  /// `holds` reads from the database and must not write to it.
  explicit WriteCondition(std::function<Result<>()> holds);
  ~WriteCondition();
  WriteCondition(const WriteCondition&) = delete;
  WriteCondition& operator=(const WriteCondition&) = delete;

  /// For Sessions: what this thread's condition says of the write that has begun. Of the writes that follow it says
  /// nothing: the first has changed what it is about.
  static Result<> check();
  /// For Sessions, before a write begins. Throws std::logic_error inside a condition: it would wait for itself.
  static void refuse_inside();

 private:
  const std::function<Result<>()> holds_;
  bool pending_ = true;
  bool looking_ = false;
};

}  // namespace hubseal::agent::store
