/// Certificate profiles: what the hub's CA may certify, one file each.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/key_types.h"
#include "common/result.h"
#include "common/x509/distinguished_name.h"
#include "common/x509/subject_alt_names.h"
#include "common/x509/usages.h"
#include "daemon/ca/name_constraints.h"
#include "daemon/quota/quota.h"

namespace hubseal::ca {

enum class Kind {
  ca,
  end_entity,
  ocsp_responder,  ///< the CA's own: signs that certificates are good (RFC 6960 section 4.2.2.2)
};
std::string_view to_string(Kind kind);

enum class Hash { sha256, sha384, sha512 };

/// How one attribute of the subject comes about. An attribute without a rule is refused.
struct AttributeRule {
  bool required = false;
  bool from_request = false;  ///< the CSR (or, for a CA, the operator) may choose the value
  /// Used when the request names no value. "{subject}" stands for the participant's id; standing alone, "{ca}" for
  /// the value of the same attribute in the CA's own subject, "{organization}" and "{country}" for what the register
  /// says of the participant. Empty: no default.
  std::string default_value;
};

/// Which subjectAltNames may be asked for.
struct NameRules {
  bool dns = false;
  bool ip = false;
  bool wildcard = false;
  bool required = false;
  std::size_t max = 0;
  std::vector<std::string> dns_suffixes;  ///< empty: any; "example.com" covers itself and all below
  /// Empty: any. "*.{subject}.example.com": "*" is any one label, "{subject}" the participant's id.
  std::vector<std::string> dns_patterns;
};

/// One profile; a plain value, valid once Profiles::add has taken it. Absent means refused.
struct Profile {
  std::string name;
  std::string description;
  Kind kind = Kind::end_entity;
  std::vector<KeyType> key_types;
  Hash signature_hash = Hash::sha256;  ///< of an RSA issuer; an EC issuer uses its curve's hash
  std::chrono::days validity{};
  std::chrono::minutes backdate{};
  std::map<x509::Attribute, AttributeRule> subject;
  NameRules names;
  std::vector<x509::KeyUsage> key_usage;
  std::vector<x509::ExtendedKeyUsage> extended_key_usage;
  std::optional<long> path_len;
  std::vector<std::string> policy_oids;          ///< certificatePolicies, dotted
  std::vector<std::string> crl_urls, ocsp_urls;  ///< PKI-6; "{ca}" stands for the CA's name
  NameConstraints name_constraints;              ///< kind = "ca" only
  std::chrono::days renew_from{};                ///< PKI-9: age of the newest before another is issued; 0: any
  unsigned approvals = 0;  ///< people who must agree to each certificate; always 0 for kind = "ca" (policy.toml)
  std::optional<daemon::Quota> quota;  ///< of its certificates for one participant, besides those of policy.toml

  bool allows(KeyType type) const;
  /// KU_* bits for a key of this type: key_encipherment is for RSA keys only (RFC 8813 section 3).
  std::uint32_t key_usage_bits(KeyType type) const;
};

/// URLs of a profile with the name of the CA filled in.
std::vector<std::string> with_ca(const std::vector<std::string>& urls, std::string_view ca);

/// Profiles by name.
class Profiles {
 public:
  /// Reads one from the text of a file, whose stem must be its `name`.
  /// Errors: bad_request naming the file and the key.
  Result<> add(const std::string& file, std::string_view text);

  /// Null when there is none of that name.
  const Profile* find(std::string_view name) const;
  const std::map<std::string, Profile, std::less<>>& all() const { return profiles_; }

 private:
  std::map<std::string, Profile, std::less<>> profiles_;
};

}  // namespace hubseal::ca
