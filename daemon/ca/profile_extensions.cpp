#include "daemon/ca/profile_extensions.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/log.h"
#include "daemon/ca/placeholders.h"

namespace hubseal::ca {
namespace {

constexpr std::size_t kMaxUrls = 4, kMaxUrlBytes = 256;
constexpr std::size_t kMaxOids = 8, kMaxOidBytes = 64;
constexpr std::size_t kMaxPatterns = 16, kMaxDnsBytes = 253;
constexpr std::size_t kMaxSubtrees = 32, kMaxNetworkBytes = 64;

tl::unexpected<Error> refuse(std::string_view key, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("\"{}\" {}", key, problem));
}

bool may_stand_in_a_url(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("-._~:/?#@!$&'()*+,;=%").find(c) != std::string_view::npos;
}

/// http only: fetching a CRL over TLS would need the answer of another CRL first (RFC 5280 section 8).
Result<> check_url(std::string_view key, const std::string& url) {
  const std::string plain = filled_in(url, kCa, "ca");
  constexpr std::string_view kScheme = "http://";
  if (plain.starts_with(kScheme) && plain.size() > kScheme.size() && plain[kScheme.size()] != '/' &&
      std::all_of(plain.begin(), plain.end(), may_stand_in_a_url))
    return {};
  return refuse(key, fmt::format("holds \"{}\"; wanted \"http://\", a host and a path, with no placeholder but {{ca}}",
                                 log::printable(url, 80)));
}

// Must be there even if empty: what is forgotten must not mean that nobody can learn of a revocation.
Result<std::vector<std::string>> read_urls(Fields& fields, std::string_view key) {
  if (!fields.has(key)) return refuse(key, "is missing; wanted a list, which may be empty (PKI-6)");
  auto urls = TRY(fields.text_list(key, kMaxUrls, kMaxUrlBytes));
  for (const std::string& url : urls) TRY(check_url(key, url));
  return urls;
}

Result<std::vector<std::string>> read_oids(Fields& fields) {
  constexpr std::string_view kKey = "policy_oids";
  auto oids = TRY(fields.text_list(kKey, kMaxOids, kMaxOidBytes));
  for (const std::string& oid : oids) {
    // Read and written again: "1.2.03" would be another text for the same identifier.
    const std::unique_ptr<ASN1_OBJECT, Deleter<ASN1_OBJECT_free>> object(OBJ_txt2obj(oid.c_str(), 1));
    char text[2 * kMaxOidBytes] = "";
    if (!object || OBJ_obj2txt(text, sizeof text, object.get(), 1) <= 0 || oid != text) {
      drain_openssl_errors();
      return refuse(kKey, fmt::format("holds \"{}\"; wanted an object identifier such as 1.3.6.1.4.1.99999.1",
                                      log::printable(oid, 64)));
    }
    if (std::count(oids.begin(), oids.end(), oid) > 1) return refuse(kKey, fmt::format("holds {} twice", oid));
  }
  return oids;
}

Result<std::vector<std::string>> read_subtrees(Fields& fields, std::string_view key) {
  auto names = TRY(fields.text_list(key, kMaxSubtrees, kMaxDnsBytes));
  for (const std::string& name : names)
    if (const auto canonical = x509::canonical_dns(name); !canonical || *canonical != name || x509::is_wildcard(name))
      return refuse(key, fmt::format("holds \"{}\"; wanted DNS names in lower case, without \"*.\" or a dot in front",
                                     log::printable(name, 64)));
  return names;
}

Result<std::vector<std::string>> read_networks(Fields& fields, std::string_view key) {
  auto networks = TRY(fields.text_list(key, kMaxSubtrees, kMaxNetworkBytes));
  for (const std::string& network : networks)
    if (const auto canonical = canonical_network(network); !canonical || *canonical != network)
      return refuse(key, fmt::format("holds \"{}\"; wanted networks such as 192.0.2.0/24 or 2001:db8::/32",
                                     log::printable(network, 64)));
  return networks;
}

/// Whether each sign is a label of its own: "a-{subject}" of one participant could be another's "{subject}".
bool has_whole_signs(std::string_view pattern) {
  while (true) {
    const std::string_view label = pattern.substr(0, pattern.find('.'));
    if (label != "*" && label != kSubject && label.find_first_of("*{}") != std::string_view::npos) return false;
    if (label.size() == pattern.size()) return true;
    pattern.remove_prefix(label.size() + 1);
  }
}

}  // namespace

Result<> read_extensions(Fields& fields, Profile& profile) {
  if (profile.kind != Kind::end_entity)
    return {};  // a root has none, a responder is not asked about; what an outside root writes is its own business
  profile.policy_oids = TRY(read_oids(fields));
  profile.crl_urls = TRY(read_urls(fields, "crl_urls"));
  profile.ocsp_urls = TRY(read_urls(fields, "ocsp_urls"));
  return {};
}

Result<NameConstraints> read_name_constraints(Fields fields) {
  NameConstraints constraints;
  constraints.permitted_dns = TRY(read_subtrees(fields, "permitted_dns"));
  constraints.excluded_dns = TRY(read_subtrees(fields, "excluded_dns"));
  constraints.permitted_ip = TRY(read_networks(fields, "permitted_ip"));
  constraints.excluded_ip = TRY(read_networks(fields, "excluded_ip"));
  TRY(fields.nothing_left());
  if (constraints.empty()) return refuse("name_constraints", "constrains nothing; leave the table out");
  return constraints;
}

Result<std::vector<std::string>> read_dns_patterns(Fields& fields) {
  constexpr std::string_view kKey = "dns_patterns";
  auto patterns = TRY(fields.text_list(kKey, kMaxPatterns, kMaxDnsBytes));
  for (const std::string& pattern : patterns) {
    // What is left when the signs are filled in must be a name.
    const std::string name = filled_in(filled_in(pattern, kSubject, "subject"), "*", "any");
    const auto canonical = x509::canonical_dns(name);
    if (!canonical || *canonical != name || !has_whole_signs(pattern))
      return refuse(kKey,
                    fmt::format("holds \"{}\"; wanted DNS names in lower case in which \"*\" stands for one label "
                                "and \"{{subject}}\" for the participant's id",
                                log::printable(pattern, 64)));
  }
  return patterns;
}

}  // namespace hubseal::ca
