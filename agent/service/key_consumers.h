#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/caller.h"
#include "agent/store/jws_consumer_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class VerificationKeys;

/// Which service of the hub verifies with which key, as the services say, and which of them is behind. Nothing is
/// decided by it. Threads: share it freely.
class KeyConsumers {
 public:
  /// Thumbprints (RFC 7638) by participant.
  using Loaded = std::map<std::string, std::string>;

  enum class State {
    current,  ///< the newest key
    overlap,  ///< an older one that is still good
    behind,   ///< another, none, or one of somebody whose messages are not to be believed any more
  };

  struct Consumer {
    std::string name;
    std::string kid;  ///< empty: none
    std::string reported_at;
    State state;
  };
  struct Owner {
    std::string id;
    std::vector<std::string> kids;    ///< the newest last; none: it has no key that is good
    std::vector<Consumer> consumers;  ///< all, or those that have a key of one that has none
  };

  KeyConsumers(store::JwsConsumerTable& table, VerificationKeys& keys, const Clock& clock)
      : table_(table), keys_(keys), clock_(clock) {}

  /// All that the consumer has, in place of what it said before. Errors: bad_request: names that cannot be; conflict.
  Result<> report(const std::string& name, const Loaded& loaded);
  Result<> forget(const Caller& caller, const std::string& name);
  /// Of each participant that has a key or of whom somebody has one. Errors: VerificationKeys::all()'s.
  Result<std::vector<Owner>> list();
  /// How many keys are to be loaded, of all consumers together. Errors: as list().
  Result<std::size_t> behind();

 private:
  store::JwsConsumerTable& table_;
  VerificationKeys& keys_;
  const Clock& clock_;
};

std::string_view to_string(KeyConsumers::State state);

}  // namespace hubseal::agent
