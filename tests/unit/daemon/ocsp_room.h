#pragma once

#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "daemon/ocsp_responder.h"
#include "daemon/revocation.h"
#include "tests/support/ca_fixture.h"
#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"
#include "tests/unit/daemon/failing_token.h"

/// What stands around an OcspResponder and a Revocation, with a CA whose own certificate is what everybody asks about,
/// and a time that both clocks agree on.
namespace hubseal::test::ocsp {

using namespace hubseal::daemon;
using std::chrono::minutes;

/// An answer as libcrypto reads it.
struct Said {
  int outcome = -1;  ///< OCSPResponseStatus
  std::string status;
  std::string responder;  ///< serial of its certificate
  TimePoint next_update{}, produced{}, revoked_at{};
  Bytes der;
};

class Room {
 public:
  struct Root {
    std::chrono::days validity{3650};
    minutes backdate{5};
  };
  Room() : Room(Root()) {}
  explicit Room(const Root& root);

  /// As a start of hubseald does.
  void open();
  void pass(std::chrono::seconds time);

  /// One question about a serial of the CA, its own where none is named.
  Bytes question(const std::string& nonce = "", const std::string& serial = "") const;
  Said ask(const std::string& nonce = "", const std::string& serial = "");
  Said ask_der(const Bytes& question);

  void revoke(const std::string& serial, ca::RevocationReason reason = ca::RevocationReason::key_compromise);
  Quota& quota(QuotaKind kind) { return policy.quotas[static_cast<std::size_t>(kind)]; }
  /// The token has the key of the responder in use, and does not show it.
  void hide_responder() { token.keys.hide({must(keyring->show(keys(KeyLife::active).front())).record.id}); }
  /// Keys of use ocsp in this life.
  std::vector<std::string> keys(KeyLife life);
  int recorded(const std::string& event) const;
  Revocation& revocation() { return *revocation_; }
  std::filesystem::path crl_file() const { return folder_.path() / "crl" / "hub-ca.crl"; }

  FakeClock clock;
  FailingToken token;
  Policy policy;
  std::string root_serial;
  std::unique_ptr<Keyring> keyring;
  std::unique_ptr<Gate> gate;
  std::unique_ptr<OcspResponder> responder;

 private:
  TempDir folder_;
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<AuditLog> audit_;
  std::unique_ptr<Authorities> authorities_;
  std::unique_ptr<ClockGuard> guard_;
  std::unique_ptr<Issuance> issuance_;
  std::unique_ptr<Quotas> quotas_;
  std::unique_ptr<Revocation> revocation_;  // last: its thread uses the others
};

}  // namespace hubseal::test::ocsp
