#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/service/new_key.h"
#include "common/bytes.h"
#include "common/clock.h"
#include "common/openssl.h"
#include "common/result.h"
#include "common/wire/daemon_client.h"

namespace hubseal::agent {

/// hubseald's operations as the agent uses them, typed.
/// Threads: share it freely.
/// Errors: the daemon's own codes. What is this host's fault and not the caller's is told apart
/// here: `forbidden` (the agent lacks a permission), `bad_request` to a request that we built and an
/// answer without the promised fields become `internal`. Details of the socket go to the log only.
class SigningDaemon {
 public:
  struct Ca {
    bool issues;
    std::string certificate;  ///< PEM; empty while it has none, and of a CA whose key is compromised
    std::string chain = {};   ///< PEM, from who signed it up to an outside root; empty for one that signed itself
  };

  struct IssueRequest {
    std::string ca;
    std::string profile;
    std::string subject;  ///< the DFSP
    std::string request;  ///< repeating it answers with the same certificate
    std::string csr;      ///< PEM
  };

  struct Issued {
    std::string certificate;  ///< PEM
    std::string serial;
    std::string state;  ///< "issued"; where the request is repeated it may be "revoked" or "on_hold" by now
  };

  /// What a request waits for.
  struct Approval {
    std::string id;
    std::string state;    ///< pending, approved, rejected, used or expired
    std::int64_t needed;  ///< people
    std::string expires;  ///< RFC 3339, UTC
  };

  struct Key {
    std::string label;
    std::string id;     ///< hexadecimal SHA-256 of its SubjectPublicKeyInfo
    std::string type;   ///< "ec_p256"
    std::string use;    ///< "jws", "tls", "ca"
    std::string state;  ///< "active", "pre_activation"
    TimePoint created_at;
    std::string line = label;    ///< of a key for JWS: the label of the first key of its line
    std::string successor = {};  ///< the label of the key that signs in its place, if one does
    bool shown = false;          ///< whether verifiers of JWS have to know it
  };

  struct IssuedRecord {
    std::string subject;
    std::string state;        ///< "issued", "revoked", "on_hold"
    std::string certificate;  ///< PEM
  };

  struct PublicKey {
    Key key;
    std::string pem;
    std::optional<std::string> certificate = {};  ///< PEM: of a key for JWS, where it has one that is in force
  };

  /// What a request of this agent may name.
  struct Offer {
    std::vector<std::string> cas;       ///< also those that issue nothing any more
    std::vector<std::string> profiles;  ///< of issue_certificate
  };

  explicit SigningDaemon(wire::DaemonClient& client) : client_(client) {}

  /// Whether it would sign now.
  Result<bool> ready();
  Result<Offer> offer();
  /// Errors: not_found.
  Result<Ca> get_ca(std::string_view name);
  /// Errors: conflict: also that hubseald does not have the CA; bad_request and too_large are about the CSR.
  /// approval_required names the approval that it waits for.
  Result<Issued> issue_certificate(const IssueRequest& request);
  /// Makes the key under this label, which must be new, and returns the CSR (PEM). Never to be repeated: where the
  /// answer does not arrive, the key is there and its CSR is lost.
  Result<std::string> create_csr(const std::string& label, const NewKey& key);
  /// A key that is not there is one that the agent may not see.
  Result<PublicKey> get_public_key(const std::string& label);
  /// The label of the token with the keys; empty where it has none or none is told. Errors: hsm_unavailable.
  Result<std::string> token_label();
  Result<std::vector<Key>> list_keys();
  /// The one whose public half this is; nothing where it is none that hubseald lists.
  Result<std::optional<Key>> find_key(const EVP_PKEY* public_key);
  /// Errors: not_found: hubseald has issued none with this serial number.
  Result<IssuedRecord> get_certificate(const std::string& ca, const std::string& serial);
  Result<Approval> get_approval(const std::string& id);
  /// Of the register's participants those that are not active (suspended, off-boarded), in lower case.
  Result<std::set<std::string>> inactive_subjects();
  /// The newest CRL, DER. Errors: not_found.
  Result<Bytes> get_crl(std::string_view ca);
  struct TrustBundle {
    std::string anchors, intermediates;  ///< PEM, one certificate after the other
  };
  Result<TrustBundle> get_trust_bundle();
  /// OCSPRequest to OCSPResponse, both DER.
  Result<Bytes> get_ocsp(ByteView request);

 private:
  wire::DaemonClient& client_;
};

/// Errors: policy_denied: it is not to be used, revoked or on hold.
Result<> check_in_force(const SigningDaemon::Issued& issued);

}  // namespace hubseal::agent
