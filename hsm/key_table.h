#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/guarded.h"
#include "hsm/key.h"
#include "hsm/pause.h"

namespace hubseal::hsm {

/// The keys of one generation: those that it serves, and those that were asked for and are not there to be used.
/// Threads: share it freely; a key that is served does not change.
class KeyTable {
 public:
  using KeyPtr = std::shared_ptr<const Key>;

  /// Null where it is not served.
  KeyPtr find(const KeyId& id);
  std::vector<KeyPtr> all();
  /// From now on it is served, and missing no more.
  KeyPtr add(Key key);
  /// It is served no more; whether it was.
  bool remove(const KeyId& id);

  /// It was asked for: the token is looked at for it.
  void miss(const KeyId& id);
  bool misses(const KeyId& id);
  /// Nobody will ask for it any more.
  void forget(const KeyId& id);
  /// What is wrong with one that is missing and that the token shows; whether the last look found the same.
  bool note_problem(const KeyId& id, const std::string& problem);
  /// Empty where the token has not shown it.
  std::string problem_of(const KeyId& id);
  /// Those that the token does not show, each once.
  std::vector<KeyId> take_untold();

  void begin_pause(const TokenConfig& config);
  /// Whether one is missing and the pause is over; then the next begins.
  bool may_look(const TokenConfig& config);

 private:
  struct Missing {
    std::string problem;
    bool told = false;
  };
  struct Table {
    std::map<KeyId, KeyPtr> served;
    std::map<KeyId, Missing> missing;
    Pause pause;  ///< before they are looked for again
  };
  Guarded<Table> table_;
};

}  // namespace hubseal::hsm
