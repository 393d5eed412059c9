/// The running installation as it shows itself: everything that the clauses are judged by, asked for once.
/// What could not be looked at is an error in its place: a peer that may not read something, a token that is gone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "common/x509/certificate.h"

namespace hubseal::cli::conformance {

struct Health {
  std::string status;  ///< "ready", "degraded"
  std::vector<std::string> problems;
  bool sealed = false;
  bool token_ready = false;
  bool log_writable = false;
  std::uint64_t records = 0;
  std::string token, module, version, openssl;
  std::string policy_version, policy_sha256, policy_files;
};

struct Key {
  std::string label, type, use, state;
  std::string grade;  ///< empty while the key is missing
  std::string backup;
  bool compromised = false;               ///< now, or before it was destroyed
  std::optional<std::string> kid;         ///< of a JWS key, as the daemon says it
  std::optional<std::string> thumbprint;  ///< the same, computed here
};

/// The newest revocation list of a CA.
struct Crl {
  std::string number;  ///< cRLNumber, decimal; empty when it has none
  long version = 0;    ///< 1 is v2
  TimePoint this_update, next_update;
  std::size_t entries = 0;
  std::size_t without_reason = 0;  ///< entries that give none: unspecified
  bool signature_good = false;
  bool issuer_matches = false;  ///< the CA's subject, byte for byte
  bool key_id_matches = false;  ///< authorityKeyIdentifier is the CA's subjectKeyIdentifier
};

/// What the CA's responder said when it was asked with a nonce.
struct Ocsp {
  std::string status;  ///< of the certificate: "good", "revoked", "unknown"
  bool signature_good = false;
  bool nonce_echoed = false;
  bool current = false;  ///< thisUpdate and nextUpdate are around now
};

struct Authority {
  std::string name, state, key, profile;
  std::optional<x509::Certificate> certificate;  ///< absent while it is awaited
  Result<Crl> crl = Crl();
  Result<Ocsp> ocsp = Ocsp();
};

/// A row of the registry.
struct CertificateRow {
  std::string ca, serial, state, profile, subject, distinguished_name;
  TimePoint not_before, not_after;
  bool cross = false;  ///< certifies another CA of the hub
};
struct Issued {
  CertificateRow row;
  x509::Certificate certificate;
};
struct Certificates {
  std::vector<CertificateRow> rows;  ///< all that are signed, oldest first
  std::size_t in_force = 0;          ///< of these, participants' that are valid and not revoked
  std::vector<Issued> read;          ///< the newest of those in force, decoded
};

struct Profile {
  std::string name, kind, signature_hash;
  std::vector<std::string> key_types, crl_urls, ocsp_urls;
  std::set<std::string> key_usage, extended_key_usage;
  std::set<std::string> required;  ///< attributes of the subject that a certificate must have
  std::int64_t validity_days = 0, renew_from_days = 0, approvals = 0;
};
struct Policy {
  std::string register_mode;
  std::map<std::string, std::int64_t> approvals_needed;
  std::vector<Profile> profiles;
  const Profile* find(const std::string& name) const;
};

struct Cosignature {
  std::string witness;
  TimePoint at;
};
/// How a CA came about, as one of the log's first records has it.
struct Making {
  std::uint64_t record = 0;
  TimePoint at;
  std::string event, ca, peer;
};
/// The audit log's latest checkpoint, with what the log proves by it.
struct Log {
  std::string origin;
  std::uint64_t size = 0;       ///< records that the checkpoint covers
  bool signature_good = false;  ///< by the key that the daemon names
  bool first_in_tree = false;   ///< inclusion of record 1 and of the last one
  bool last_in_tree = false;
  bool consistent = false;             ///< the log begins with its first record alone
  std::optional<TimePoint> uncovered;  ///< time of the oldest record that no checkpoint covers yet
  std::vector<Cosignature> cosignatures;
  std::vector<Making> makings;
};

struct Installation {
  TimePoint now;
  Health health;
  Result<std::vector<Key>> keys = std::vector<Key>();
  Result<std::vector<Authority>> authorities = std::vector<Authority>();
  Result<Certificates> certificates = Certificates();
  Result<Policy> policy = Policy();
  Result<Log> log = Log();
  Result<std::set<std::string>> approvers = std::set<std::string>();  ///< people, not keys
};

}  // namespace hubseal::cli::conformance
