#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/validation.h"
#include "common/bytes.h"
#include "common/guarded.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent {

/// What hubseald's newest CRLs say of certificates that were stored here before. They are read when somebody asks, and
/// hold for ten seconds; longer while they cannot be read: reading goes on while hubseald is away.
/// Threads: share it freely.
class Revocations {
 public:
  /// The CRLs (DER) of all its CAs.
  using Fetch = std::function<Result<std::vector<Bytes>>()>;

  enum class State { in_force, revoked, on_hold };

  explicit Revocations(Fetch fetch) : fetch_(std::move(fetch)) {}

  /// Of a certificate (PEM). In force is also one that is none of hubseald's.
  State state_of(std::string_view pem) { return find(pem).state; }
  /// Adds CERTIFICATE_VALID_CRL to the verdicts on one that is not in force.
  void add_to(std::string_view pem, std::string& validations_json, std::string& validation_state);

 private:
  using Lists = std::vector<std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>>;
  struct Found {
    State state = State::in_force;
    std::string since = {};
  };
  struct Known {
    std::shared_ptr<const Lists> lists;
    std::chrono::steady_clock::time_point until;
    bool failing = false;
  };

  Found find(std::string_view pem);
  std::shared_ptr<const Lists> lists();
  Result<std::shared_ptr<const Lists>> read();

  const Fetch fetch_;
  Guarded<Known> known_;
};

}  // namespace hubseal::agent
