#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/guarded.h"
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

  /// PEM of the issuing certificate; nothing when there is none yet. hubseald is asked each time: nobody is shown a CA
  /// that another has replaced.
  Result<std::optional<std::string>> certificate();
  /// The certificate of the CA that exists, if its subject is as `wanted`.
  /// Errors: conflict naming found and wanted; not_found naming the command that creates a CA.
  Result<std::string> confirm(const Name& wanted);

 private:
  struct Shown {
    std::string certificate;  ///< as hubseald gave it
    std::string shown;
  };

  Result<std::string> shown(const std::string& certificate);

  SigningDaemon& daemon_;
  const std::string ca_name_;
  Guarded<std::optional<Shown>> last_;  ///< what was found to be a certificate
};

}  // namespace hubseal::agent
