#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::daemon {

/// Whether anything may be signed now. Whoever finds a reason against it closes the gate under a word of
/// its own ("seal", "audit") and opens it under the same word; it is open when nobody holds it closed.
/// Threads: share it freely.
class Gate {
 public:
  /// `reason` is what a client is told who wants a signature.
  void close(std::string_view word, Error reason);
  void open(std::string_view word);

  /// Errors: the first of the reasons.
  Result<> check() const;
  /// All of them, in words.
  std::vector<std::string> reasons() const;

 private:
  mutable Guarded<std::map<std::string, Error, std::less<>>> closed_;
};

}  // namespace hubseal::daemon
