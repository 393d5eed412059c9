#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"

namespace hubseal::agent {

class SigningDaemon;

/// The hub's CA as the agent may show it. Its key is made in the ceremony on the signing host;
/// nothing here creates, replaces or deletes one.
class HubCa {
 public:
  /// Attribute ("CN", "O", ...) and the value wanted.
  using Name = std::vector<std::pair<std::string, std::string>>;

  HubCa(SigningDaemon& daemon, std::string ca_name) : daemon_(daemon), ca_name_(std::move(ca_name)) {}

  /// PEM of the issuing certificate; nothing when there is none yet.
  Result<std::optional<std::string>> certificate();
  /// The certificate of the CA that exists, if its subject is as `wanted`.
  /// Errors: conflict naming found and wanted; not_found naming the command that creates a CA.
  Result<std::string> confirm(const Name& wanted);

 private:
  SigningDaemon& daemon_;
  const std::string ca_name_;
};

}  // namespace hubseal::agent
