#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent/service/signing_daemon.h"
#include "common/clock.h"
#include "common/guarded.h"
#include "common/result.h"

namespace hubseal::agent {

/// The hub's CA as the agent may show it. Its key is made in the ceremony on the signing host;
/// nothing here creates, replaces or deletes one.
/// Threads: share it freely.
class HubCa {
 public:
  /// Attribute ("CN", "O", ...) and the value wanted.
  using Name = std::vector<std::pair<std::string, std::string>>;

  /// What clients are shown. Texts are PEM, without a final line feed.
  struct Shown {
    std::string certificate;    ///< the CA's own
    std::string root;           ///< the same, or the outside root above it
    std::string intermediates;  ///< what leads to that root, the CA's own first; empty where the CA is the root
    std::string root_info_json;
    std::string validations_json;
    std::string validation_state;
  };

  HubCa(SigningDaemon& daemon, std::string ca_name, const Clock& clock)
      : daemon_(daemon), ca_name_(std::move(ca_name)), clock_(clock) {}

  /// Null when there is none yet. hubseald is asked each time: nobody is shown a CA that another has replaced. The
  /// verdicts are at most a minute old.
  Result<std::shared_ptr<const Shown>> shown();
  /// The CA that exists, if its subject is as `wanted`.
  /// Errors: conflict naming found and wanted; not_found naming the command that creates a CA.
  Result<std::shared_ptr<const Shown>> confirm(const Name& wanted);

 private:
  struct Last {
    SigningDaemon::Ca ca;
    TimePoint judged_at;
    std::shared_ptr<const Shown> shown;
  };

  SigningDaemon& daemon_;
  const std::string ca_name_;
  const Clock& clock_;
  Guarded<std::optional<Last>> last_;
};

}  // namespace hubseal::agent
