#pragma once

#include "common/log.h"

namespace hubseal::log {

/// Adds its field to every line that this thread logs as long as it exists, where the line has none of that name: so
/// that all that is said while one request is served can be found by it. One at a time.
class Context {
 public:
  explicit Context(Field field);
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  /// That of this thread; null: it has none.
  static const Field* current();

 private:
  const Field field_;
};

}  // namespace hubseal::log
