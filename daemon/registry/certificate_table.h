#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/key_types.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

/// A certificate from the moment its serial is reserved.
struct CertificateRecord {
  std::int64_t row = 0;
  std::string ca;
  std::string serial;  ///< lower-case hexadecimal
  std::string profile;
  std::string subject;   ///< participant (DFSP); the CA's own name for a root
  std::string peer;      ///< entry of the configuration that asked
  std::string request;   ///< its id; unique per peer
  std::string approval;  ///< that allowed it ("a-17"); empty where policy asked for none
  Bytes content_hash;    ///< SHA-256 over what was asked: a repeat must ask the same
  KeyId key_id{};        ///< the certified key
  KeyId key_core{};      ///< key_core_of: what its relatives have in common with it
  Bytes names_hash;      ///< SHA-256 over CN, DNS names and addresses: the same for certificates of the same names
  std::string distinguished_name;
  TimePoint not_before{};
  TimePoint not_after{};
  Bytes tbs;  ///< DER to be signed; kept so that a repeat signs the same bytes
  SignatureAlgorithm algorithm{};
  Bytes certificate;    ///< DER; empty until it is issued
  std::string revoked;  ///< reason, as revocation_table has it; empty while it is good
  TimePoint revoked_at{};

  std::int64_t approvals_needed = 0;  ///< by the policy of its day; so many had agreed

  bool cross = false;  ///< certifies another CA of this hub, whose key has a certificate of its own

  bool issued() const { return !certificate.empty(); }
};

struct CertificateQuery {
  std::optional<std::string> ca;
  std::optional<std::string> subject;
  std::int64_t after = 0;  ///< row of the last one seen
  std::int64_t limit = 100;
};

/// Every serial that was ever reserved, and the certificate that it became.
namespace certificate_table {

/// Writes an intent: serial and to-be-signed bytes. Moves the registry's own time forward.
/// Errors: policy_denied (the key, or one of the same numbers, was certified before: PKI-8), conflict (request id or
/// serial taken).
Result<> reserve(Database& database, const CertificateRecord& intent);
/// More people have agreed to the intent than it needed on its day.
Result<> raise_approval(Database& database, const CertificateRecord& intent);
/// Writes the certificate that an intent became. False where another thread was first: that one stays.
Result<bool> complete(Database& database, const std::string& ca, const std::string& serial, ByteView certificate);

Result<std::optional<CertificateRecord>> find(Database& database, const std::string& ca, const std::string& serial);
/// The lowest serial of this CA that begins so, or is it.
Result<std::optional<std::string>> first_beginning(Database& database, const std::string& ca,
                                                   const std::string& serial);
Result<std::optional<CertificateRecord>> find_request(Database& database, const std::string& peer,
                                                      const std::string& request);
/// The certificate of this key, cross-certificates apart.
Result<std::optional<CertificateRecord>> find_key(Database& database, const KeyId& key);
/// Cross-certificates, oldest first.
Result<std::vector<CertificateRecord>> list_cross(Database& database);
/// Oldest first; an index finds them, whatever the query leaves open.
Result<std::vector<CertificateRecord>> list(Database& database, const CertificateQuery& query);
std::string_view list_sql(const CertificateQuery& query);
/// Revoked ones apart: the newest certificate of the same CA, participant, profile and names as `like`, other than
/// itself. One that is only intended counts if it begins after `intents_after`: what was never finished must not stand
/// in the way for ever.
Result<std::optional<CertificateRecord>> newest_like(Database& database, const CertificateRecord& like,
                                                     TimePoint intents_after);
/// The newest that the participant had of this profile at `then`, other than one that is named.
Result<std::optional<CertificateRecord>> latest(Database& database, const std::string& subject,
                                                const std::string& profile, TimePoint then,
                                                const std::string& other_than = "");
/// The newest not_before written so far: time has been at least that (clock_guard.h).
Result<std::optional<TimePoint>> latest_time(Database& database);

}  // namespace certificate_table
}  // namespace hubseal::daemon
