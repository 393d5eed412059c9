#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// Keeps web pages of other sites from using a browser on this host to reach an API that asks for
/// no credentials.
class BrowserGuard {
 public:
  /// `hosts` are accepted in the Host header beside localhost and loopback addresses.
  explicit BrowserGuard(std::vector<std::string> hosts) : hosts_(std::move(hosts)) {}

  /// Why the request is refused; nothing when it may pass.
  std::optional<std::string> refuse(const Incoming& request) const;

 private:
  std::vector<std::string> hosts_;
};

}  // namespace hubseal::agent::http
