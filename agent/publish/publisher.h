#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/publish/vault.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent::publish {

/// What a gateway needs to talk to one participant in the hub's name, and to know it when it calls. There is no private
/// key in it: `client_key` says where in the HSM it is.
struct Bundle {
  std::string dfsp_id;
  std::string ca_bundle;                  ///< PEM: the participant's intermediates, then its root
  std::string client_cert_chain;          ///< PEM: the hub's client certificate, then ca_bundle
  std::string client_key;                 ///< PKCS#11 URI (RFC 7512)
  std::string fqdn;                       ///< the host of ingress_urls
  std::vector<std::string> ingress_urls;  ///< where the participant receives
  std::vector<std::string> whitelist;     ///< addresses and networks from which it calls
  std::optional<std::string> currency;
  std::vector<std::string> fxp_currencies;
  bool is_proxy = false;

  bool operator==(const Bundle&) const = default;
};

/// Under the names that gateways' templates know: host (the participant), currency_code, fxpCurrencies, isProxy.
Json to_json(const Bundle& bundle);

/// Of each participant that has any, the addresses and networks from which it calls.
using Whitelists = std::map<std::string, std::vector<std::string>>;

/// Puts bundles where gateways find them. Threads: share it freely.
class Publisher {
 public:
  virtual ~Publisher() = default;

  /// Whether it has one list of everybody's addresses.
  virtual bool wants_whitelists() const = 0;
  /// Takes the place of what was published of this participant, as one step; the same again changes nothing.
  /// `all`: everybody's, where it wants them; empty otherwise. Errors: storage_unavailable.
  virtual Result<> publish(const Bundle& bundle, const Whitelists& all) = 0;
  /// Ends what waits for another host at the moment, and refuses all that would.
  virtual void stop() = 0;
};

/// A folder, or a Vault.
using Target = std::variant<std::filesystem::path, VaultTarget>;

/// Errors: bad_request, not_found: it cannot be used as it is.
Result<std::unique_ptr<Publisher>> open_publisher(const Target& target);

}  // namespace hubseal::agent::publish
