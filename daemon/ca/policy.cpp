#include "daemon/ca/policy.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>
#include <openssl/core_names.h>

#include "common/log.h"

namespace hubseal::ca {
namespace {

using x509::Attribute;
using x509::DistinguishedName;
using x509::SubjectAltNames;

tl::unexpected<Error> deny(const Profile& profile, std::string_view why) {
  return fail(Code::policy_denied, fmt::format("profile {}: {}", profile.name, why));
}

BignumPtr number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  EVP_PKEY_get_bn_param(key, name, &value);
  return BignumPtr(value);
}

/// Products of all odd primes below 752 (as CA/B Baseline 6.1.6 asks of RSA moduli), as many in each
/// as 64 bits hold: one long division tells for ten primes at once.
std::vector<std::uint64_t> small_prime_products() {
  std::vector<std::uint64_t> products = {1};
  for (std::uint64_t candidate = 3; candidate < 752; candidate += 2) {
    bool prime = true;
    for (std::uint64_t divisor = 3; divisor * divisor <= candidate; divisor += 2) prime &= candidate % divisor != 0;
    if (!prime) continue;
    if (products.back() > UINT64_MAX / candidate) products.push_back(1);
    products.back() *= candidate;
  }
  return products;
}

Result<> check_rsa(const Profile& profile, const EVP_PKEY* key) {
  static const std::vector<std::uint64_t> kProducts = small_prime_products();
  static_assert(sizeof(BN_ULONG) == sizeof(std::uint64_t));
  const BignumPtr modulus = number(key, OSSL_PKEY_PARAM_RSA_N), exponent = number(key, OSSL_PKEY_PARAM_RSA_E);
  if (!modulus || !exponent) return deny(profile, "RSA key without modulus or exponent");
  if (!BN_is_odd(exponent.get()) || BN_num_bits(exponent.get()) > 256 || BN_num_bits(exponent.get()) < 17)
    return deny(profile, fmt::format("RSA exponent of {} bits{}; wanted an odd one from 65537 to 2^256",
                                     BN_num_bits(exponent.get()), BN_is_odd(exponent.get()) ? "" : ", even"));
  bool divisible = !BN_is_odd(modulus.get());
  for (const std::uint64_t product : kProducts)
    divisible = divisible || std::gcd(product, BN_mod_word(modulus.get(), product)) != 1;
  if (divisible) return deny(profile, "RSA modulus with a small factor; wanted the product of two large primes");
  return {};
}

/// Ignored because the certificate is built from the profile, and common clients add them.
constexpr int kTolerated[] = {NID_subject_alt_name, NID_key_usage, NID_ext_key_usage, NID_subject_key_identifier,
                              NID_basic_constraints};

bool lies_below(std::string_view name, std::string_view suffix) {
  return name == suffix || (name.ends_with(suffix) && name[name.size() - suffix.size() - 1] == '.');
}

Result<> check_dns(const Profile& profile, const std::string& name) {
  const NameRules& rules = profile.names;
  if (x509::is_wildcard(name) && !rules.wildcard)
    return deny(profile, fmt::format("DNS name {} is a wildcard; wanted full names", name));
  const auto covers = [&](const std::string& suffix) { return lies_below(name, suffix); };
  if (!rules.dns_suffixes.empty() && std::none_of(rules.dns_suffixes.begin(), rules.dns_suffixes.end(), covers))
    return deny(profile,
                fmt::format("DNS name {} lies outside dns_suffixes ({})", name, fmt::join(rules.dns_suffixes, ", ")));
  return {};
}

/// A CN that is an address keeps the rules for addresses.
Result<> check_address(const Profile& profile, const std::string& name) {
  TRY(x509::canonical_ip(name));
  if (!profile.names.ip) return deny(profile, fmt::format("CN {} is an IP address; wanted a name", name));
  return {};
}

/// The DNS name that a CN is as well, if it is one; the dot of the root at its end makes no difference.
std::optional<std::string> host_in(std::string_view common_name) {
  if (common_name.ends_with('.')) common_name.remove_suffix(1);
  auto name = x509::canonical_dns(common_name);
  return name ? std::optional(*std::move(name)) : std::nullopt;
}

/// The default of a rule with its placeholder filled in; nothing when there is none.
Result<std::optional<std::string>> default_of(const AttributeRule& rule, Attribute attribute,
                                              std::string_view participant, const Issuer* issuer) {
  if (rule.default_value.empty()) return std::nullopt;
  if (rule.default_value == "{ca}") {
    if (!issuer) return std::nullopt;
    return TRY(issuer->certificate().subject_name()).get(attribute);
  }
  constexpr std::string_view kPlaceholder = "{subject}";
  std::string value = rule.default_value;
  for (std::size_t at = 0; (at = value.find(kPlaceholder, at)) != std::string::npos; at += participant.size())
    value.replace(at, kPlaceholder.size(), participant);
  return value;
}

/// As names are compared (X.520 caseIgnoreMatch): case and repeated spaces make no difference.
std::string comparable(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != ' ' || result.empty() || result.back() != ' ')
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

}  // namespace

Result<KeyType> decide_key(const Profile& profile, EVP_PKEY* key) {
  std::string wanted;
  for (const KeyType type : profile.key_types) wanted.append(wanted.empty() ? "" : ", ").append(to_string(type));
  const auto type = key_type_of(key);
  if (!type) return deny(profile, fmt::format("{} (key_types: {})", type.error().message, wanted));
  if (!profile.allows(*type)) return deny(profile, fmt::format("key of type {}; wanted {}", to_string(*type), wanted));
  if (is_rsa(*type)) {
    TRY(check_rsa(profile, key));
    return type;
  }
  // On the curve and not its neutral point; these curves have cofactor 1, so no more is needed.
  const PkeyContextPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  if (!context || EVP_PKEY_public_check_quick(context.get()) != 1)
    return deny(profile, "EC key that is not a point of its curve: " + drain_openssl_errors());
  return type;
}

Result<> check_requested_extensions(const x509::Csr& csr) {
  std::vector<std::string> seen;
  for (const auto& [nid, name, critical] : TRY(csr.requested_extensions())) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end())
      return fail(Code::bad_request, fmt::format("CSR asks for the extension {} twice", name));
    seen.push_back(name);
    if (std::find(std::begin(kTolerated), std::end(kTolerated), nid) == std::end(kTolerated))
      return fail(Code::policy_denied,
                  fmt::format("CSR asks for the extension {}; the only one taken from a CSR is subjectAltName", name));
  }
  if (TRY(csr.asks_for_ca()))
    return fail(Code::policy_denied, "CSR asks for basicConstraints CA:TRUE; only CA:FALSE is ever issued on a CSR");
  return {};
}

Result<DistinguishedName> decide_subject(const Profile& profile, const DistinguishedName& requested,
                                         std::string_view participant, const Issuer* issuer) {
  for (const auto& [attribute, value] : requested.entries())
    if (!profile.subject.contains(attribute))
      return deny(profile, fmt::format("the subject may not have {}", x509::to_string(attribute)));

  std::vector<DistinguishedName::Entry> entries;
  for (const auto& [attribute, rule] : profile.subject) {
    const auto asked = requested.get(attribute);
    const auto otherwise = TRY(default_of(rule, attribute, participant, issuer));
    if (asked && !rule.from_request && asked != otherwise)
      return deny(profile, fmt::format("{} \"{}\" may not be chosen; wanted \"{}\" or nothing",
                                       x509::to_string(attribute), log::printable(*asked, 80), otherwise.value_or("")));
    if (const auto& value = asked ? asked : otherwise) {
      if (const auto checked = x509::check_attribute(attribute, *value); !checked)
        return deny(profile, checked.error().message);
      entries.emplace_back(attribute, *value);
    } else if (rule.required) {
      return deny(profile, fmt::format("the subject lacks {}, which is required", x509::to_string(attribute)));
    }
  }
  return DistinguishedName::of(std::move(entries));
}

Result<> check_names(const Profile& profile, const SubjectAltNames& requested) {
  const NameRules& rules = profile.names;
  if (!requested.dns().empty() && !rules.dns)
    return deny(profile, fmt::format("DNS name {} in subjectAltName; wanted none", requested.dns().front()));
  if (!requested.ip().empty() && !rules.ip)
    return deny(profile, fmt::format("IP address {} in subjectAltName; wanted none", requested.ip().front()));
  if (requested.size() > rules.max)
    return deny(profile, fmt::format("{} subjectAltNames; at most {} are accepted", requested.size(), rules.max));
  if (requested.empty() && rules.required)
    return deny(profile, "the CSR asks for no subjectAltName; wanted at least one DNS name or IP address");
  for (const std::string& name : requested.dns()) TRY(check_dns(profile, name));
  return {};
}

Result<> check_common_name(const Profile& profile, const DistinguishedName& subject, const Issuer& issuer) {
  const auto name = subject.get(Attribute::common_name);
  if (!name) return {};
  const x509::DistinguishedName ca = TRY(issuer.certificate().subject_name());
  if (const auto ca_name = ca.get(Attribute::common_name); ca_name && comparable(*ca_name) == comparable(*name))
    return deny(profile, fmt::format("PKI-5: the CN \"{}\" is the CA's own", log::printable(*name, 80)));
  const auto host = host_in(*name);
  // "a*.example.com" is no DNS name here, but a pattern to OpenSSL.
  if (!host && name->find('*') != std::string::npos)
    return deny(profile, fmt::format("CN \"{}\" holds a wildcard; wanted a full name", log::printable(*name, 80)));
  if (x509::is_ip(*name)) return check_address(profile, *name);
  // Without a dot it is a participant's id rather than a host; with a space it is an organisation.
  if (name->find('.') == std::string::npos || name->find(' ') != std::string::npos) return {};
  if (host) return check_dns(profile, *host);
  if (!profile.names.dns_suffixes.empty())
    return deny(profile, fmt::format("CN \"{}\" is no DNS name, but some verifiers would take it for one",
                                     log::printable(*name, 80)));
  return {};
}

std::vector<ClaimedName> claims_of(const DistinguishedName& subject, const SubjectAltNames& names) {
  std::vector<ClaimedName> claims;
  const auto claim = [&](NameKind kind, std::string value) {
    ClaimedName name{kind, std::move(value)};
    if (std::find(claims.begin(), claims.end(), name) == claims.end()) claims.push_back(std::move(name));
  };
  // Some clients still take the CN for the host's name: it must not be another's host either.
  if (const auto common_name = subject.get(Attribute::common_name)) {
    claim(NameKind::cn, comparable(*common_name));
    if (auto dns = host_in(*common_name)) claim(NameKind::dns, *std::move(dns));
    if (auto ip = x509::canonical_ip(*common_name)) claim(NameKind::ip, *std::move(ip));
  }
  for (const std::string& name : names.dns()) claim(NameKind::dns, name);
  for (const std::string& address : names.ip()) claim(NameKind::ip, address);
  return claims;
}

}  // namespace hubseal::ca
