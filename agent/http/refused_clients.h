#pragma once

#include <openssl/ssl.h>

#include <chrono>
#include <cstddef>

#include "common/guarded.h"

namespace hubseal::agent::http {

/// Says in the log which clients are refused for the certificate that they show, or for showing none: who calls the
/// hub's people about it would find nothing otherwise. Anybody who can connect causes these lines, so there are few in
/// a minute; how many are left out stands in the next one. Threads: share it freely.
class RefusedClients {
 public:
  static constexpr std::size_t kLinesPerMinute = 30;

  /// Before the client's certificate is there. `connection` must not outlive this.
  void watch(SSL* connection);

  /// Of one refusal: whether there is to be a line, and how many had none since the last one.
  struct Turn {
    bool line;
    std::size_t left_out;
  };
  Turn take(std::chrono::steady_clock::time_point now);

 private:
  struct Minute {
    std::chrono::steady_clock::time_point since;
    std::size_t lines = 0;
    std::size_t left_out = 0;
  };

  static void on_alert(const SSL* connection, int where, int alert);
  void tell(const SSL* connection, int alert);

  Guarded<Minute> minute_;
};

}  // namespace hubseal::agent::http
