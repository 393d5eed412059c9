#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/service/rounds.h"
#include "common/result.h"

namespace hubseal::agent {

class SigningDaemon;

/// A name of hubseald's that stands in agent.toml.
struct ConfiguredName {
  enum class Kind { ca, issuer, profile, jws_key };  ///< an issuer is a CA that has to issue

  Kind kind;
  std::string key;  ///< "[hub] ca"
  std::string value;
};

/// Before something is made that is of use with them alone. Errors: conflict, which names the first that is missing;
/// the daemon's.
Result<> require_names(SigningDaemon& daemon, const std::vector<ConfiguredName>& names);

/// Looks once, as soon as hubseald answers, and warns in the log of each name that is missing, and of each about which
/// it refuses to answer. It is no reason not to start: what it is for may be made later, and the rest of the API does
/// without.
/// Owns: a thread. Going, it waits for the question that is under way.
class ConfiguredNames {
 public:
  ConfiguredNames(SigningDaemon& daemon, std::vector<ConfiguredName> names,
                  std::chrono::milliseconds pause = std::chrono::seconds(5));

 private:
  bool looked();

  SigningDaemon& daemon_;
  const std::vector<ConfiguredName> names_;
  Rounds rounds_;  // the last one: its thread uses the others
};

}  // namespace hubseal::agent
