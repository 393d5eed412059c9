#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/service/caller.h"
#include "agent/service/new_key.h"
#include "agent/service/signing_daemon.h"
#include "agent/service/validation.h"
#include "agent/store/hub_server_cert_table.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class Certificate;
class Revocations;
struct CaChain;

/// How the labels of the keys begin that are made here.
constexpr std::string_view kServerKeyPrefix = "hub-server-";

/// What the hub's own TLS servers show. The key is made in the HSM and the certificate issued by the hub's CA, or one
/// is brought that the key room vouches for. There is one at a time; the one in use stays until the next one is there.
class HubServerCerts {
 public:
  struct Wish {
    NewKey key;                               ///< its names are those of what is brought, too
    std::optional<std::string> profile = {};  ///< the daemon's, for TLS servers of the hub; none: none is made
  };
  struct Policy {
    std::string ca;                     ///< the daemon's name for the hub CA
    std::optional<std::string> hub_id;  ///< the participant that the hub is in the daemon's register
    std::optional<Wish> wish;           ///< none: there is none to be had
    ValidationRules rules;
    std::string roots = {};  ///< PEM: whose certificates may be brought, beside hubseald's own
  };

  struct Shown {
    std::optional<store::HubServerCert> in_use;
    std::optional<std::string> approval_json;  ///< what the next one waits for
  };

  struct Brought {
    std::string certificate, root, chain;  ///< PEM; root and chain may be empty
  };

  HubServerCerts(store::HubServerCertTable& table, SigningDaemon& daemon, Revocations& revocations, const Clock& clock,
                 Policy policy)
      : table_(table), daemon_(daemon), revocations_(revocations), clock_(clock), policy_(std::move(policy)) {}

  /// What waited for the consent of others, and has it now, is in use then. Errors: not_found.
  Result<Shown> get(const Caller& caller);
  /// The one in use, where it is what is configured, has not ended and is not revoked; otherwise a new one.
  /// Errors: conflict: none is made here, hubseald has not the CA or profile, or one is being made; policy_denied: the
  /// daemon's profile or its register says no; the daemon's others. A repetition after any of them makes no second key.
  Result<Shown> make(const Caller& caller);
  /// A new one in place of the one in use. `anew` gives up the one that is wanted, which may be one that hubseald will
  /// never issue, and asks with another key. Errors: as make().
  Result<Shown> renew(const Caller& caller, bool anew = false);
  /// Puts one into use that was made elsewhere; a repetition changes nothing.
  /// Errors: bad_request, too_large: not a certificate; policy_denied: a verdict is INVALID, it is not for the names
  /// that are configured, nobody named its root on this host, or neither is its key one of the key room's nor was it
  /// issued there for the hub; conflict: no names are configured, or its key is one of the hub's client.
  Result<Shown> bring(const Caller& caller, const Brought& brought);
  /// Takes it out of use. Nothing is revoked: that is for people on the signing host, with the command that is returned
  /// (empty where it is another CA's). Errors: not_found.
  Result<std::string> remove(const Caller& caller);

 private:
  Result<std::string> asked() const;
  bool is_good(const store::HubServerCert& certificate) const;
  /// With the verdict on one that hubseald has revoked or put on hold since.
  Shown shown(std::optional<store::HubServerCert> in_use, std::optional<std::string> approval_json = {}) const;
  Result<Shown> replace(const Caller& caller, const std::optional<store::HubServerCert>& seen, bool anew);
  Result<std::string> csr_of_new_key(const std::string& label);
  Result<> make_csr(const Caller& caller, store::WantedHubServerCert& place);
  Result<Shown> issue(const Caller& caller, store::WantedHubServerCert wanted);
  Result<Shown> put_in_use(const Caller& caller, const store::WantedHubServerCert& wanted, std::string_view issued_pem);
  Result<store::HubServerCert> judged(const store::WantedHubServerCert& wanted, std::string_view issued_pem);
  void log_given_up(const Caller& caller, const std::optional<store::WantedHubServerCert>& wanted) const;
  Result<> check_names(const Certificate& certificate) const;
  Result<> check_root(const Certificate& root);
  /// Nothing where hubseald did not issue it.
  /// The label of its key where hubseald has that; nothing where hubseald only issued it. Errors: policy_denied.
  Result<std::optional<std::string>> vouched_key(const Certificate& certificate);
  std::string revoke_command(const store::HubServerCert& certificate) const;
  /// Of the one whose place `in_use` took; empty where that is none.
  std::string revoke_command(const std::optional<store::HubServerCert>& before,
                             const store::HubServerCert& in_use) const;

  store::HubServerCertTable& table_;
  SigningDaemon& daemon_;
  Revocations& revocations_;
  const Clock& clock_;
  const Policy policy_;
};

}  // namespace hubseal::agent
