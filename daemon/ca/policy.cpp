#include "daemon/ca/policy.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"
#include "common/x509/weak_key.h"
#include "daemon/ca/placeholders.h"

namespace hubseal::ca {
namespace {

using x509::Attribute;
using x509::DistinguishedName;
using x509::SubjectAltNames;

tl::unexpected<Error> deny(const Profile& profile, std::string_view why) {
  return fail(Code::policy_denied, fmt::format("profile {}: {}", profile.name, why));
}

/// Ignored because the certificate is built from the profile, and common clients add them.
constexpr int kTolerated[] = {NID_subject_alt_name, NID_key_usage, NID_ext_key_usage, NID_subject_key_identifier,
                              NID_basic_constraints};

bool lies_below(std::string_view name, std::string_view suffix) {
  return name == suffix || (name.ends_with(suffix) && name[name.size() - suffix.size() - 1] == '.');
}

/// Label by label, from the left; "*" is any one label.
bool fits(std::string_view name, std::string_view pattern) {
  while (true) {
    const std::size_t name_end = std::min(name.find('.'), name.size());
    const std::size_t pattern_end = std::min(pattern.find('.'), pattern.size());
    const std::string_view label = pattern.substr(0, pattern_end);
    if (label != "*" && label != name.substr(0, name_end)) return false;
    if (name_end == name.size() || pattern_end == pattern.size())
      return name_end == name.size() && pattern_end == pattern.size();
    name.remove_prefix(name_end + 1);
    pattern.remove_prefix(pattern_end + 1);
  }
}

/// A participant's id stands for exactly one label: with a dot in it, it could reach into another's names.
Result<> check_pattern(const Profile& profile, const std::string& name, const Participant& participant) {
  const auto id = x509::canonical_dns(participant.id);
  for (const std::string& pattern : profile.names.dns_patterns) {
    if (pattern.find(kSubject) == std::string::npos
            ? fits(name, pattern)
            : id && id->find('.') == std::string::npos && fits(name, filled_in(pattern, kSubject, *id)))
      return {};
  }
  return deny(profile, fmt::format("DNS name {} of {} fits none of dns_patterns ({})", name, participant.id,
                                   fmt::join(profile.names.dns_patterns, ", ")));
}

Result<> check_dns(const Profile& profile, const std::string& name, const Participant& participant) {
  const NameRules& rules = profile.names;
  if (x509::is_wildcard(name) && !rules.wildcard)
    return deny(profile, fmt::format("DNS name {} is a wildcard; wanted full names", name));
  const auto covers = [&](const std::string& suffix) { return lies_below(name, suffix); };
  if (!rules.dns_suffixes.empty() && std::none_of(rules.dns_suffixes.begin(), rules.dns_suffixes.end(), covers))
    return deny(profile,
                fmt::format("DNS name {} lies outside dns_suffixes ({})", name, fmt::join(rules.dns_suffixes, ", ")));
  if (!rules.dns_patterns.empty()) return check_pattern(profile, name, participant);
  return {};
}

/// A CN that is an address keeps the rules for addresses.
Result<> check_address(const Profile& profile, const std::string& name) {
  TRY(x509::canonical_ip(name));
  if (!profile.names.ip) return deny(profile, fmt::format("CN {} is an IP address; wanted a name", name));
  return {};
}

/// The default of a rule with its placeholder filled in; nothing when there is none.
Result<std::optional<std::string>> default_of(const AttributeRule& rule, Attribute attribute,
                                              const Participant& participant, const Issuer* issuer) {
  if (rule.default_value.empty()) return std::nullopt;
  for (const auto& [placeholder, value] :
       {std::pair(kOrganization, &participant.organization), std::pair(kCountry, &participant.country)})
    if (rule.default_value == placeholder) return value->empty() ? std::nullopt : std::optional(*value);
  if (rule.default_value == kCa) {
    if (!issuer) return std::nullopt;
    return TRY(issuer->certificate().subject_name()).get(attribute);
  }
  return filled_in(rule.default_value, kSubject, participant.id);
}

}  // namespace

namespace {

std::string allowed_types(const Profile& profile) {
  std::string types;
  for (const KeyType type : profile.key_types) types.append(types.empty() ? "" : ", ").append(to_string(type));
  return types;
}

}  // namespace

Result<> check_key_type(const Profile& profile, KeyType type) {
  if (profile.allows(type)) return {};
  return deny(profile, fmt::format("key of type {}; wanted {}", to_string(type), allowed_types(profile)));
}

Result<KeyType> decide_key(const Profile& profile, EVP_PKEY* key) {
  const auto type = key_type_of(key);
  if (!type) return deny(profile, fmt::format("{} (key_types: {})", type.error().message, allowed_types(profile)));
  TRY(check_key_type(profile, *type));
  if (is_rsa(*type)) {
    if (const auto weakness = x509::weakness_of_rsa(key)) return deny(profile, *weakness);
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
                                         const Participant& participant, const Issuer* issuer) {
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

Result<> check_names(const Profile& profile, const SubjectAltNames& requested, const Participant& participant) {
  const NameRules& rules = profile.names;
  if (!requested.dns().empty() && !rules.dns)
    return deny(profile, fmt::format("DNS name {} in subjectAltName; wanted none", requested.dns().front()));
  if (!requested.ip().empty() && !rules.ip)
    return deny(profile, fmt::format("IP address {} in subjectAltName; wanted none", requested.ip().front()));
  if (requested.size() > rules.max)
    return deny(profile, fmt::format("{} subjectAltNames; at most {} are accepted", requested.size(), rules.max));
  if (requested.empty() && rules.required)
    return deny(profile, "the CSR asks for no subjectAltName; wanted at least one DNS name or IP address");
  for (const std::string& name : requested.dns()) TRY(check_dns(profile, name, participant));
  return {};
}

Result<> check_common_name(const Profile& profile, const DistinguishedName& subject, const Participant& participant,
                           const Issuer& issuer) {
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
  if (host) return check_dns(profile, *host, participant);
  if (!profile.names.dns_suffixes.empty() || !profile.names.dns_patterns.empty())
    return deny(profile, fmt::format("CN \"{}\" is no DNS name, but some verifiers would take it for one",
                                     log::printable(*name, 80)));
  return {};
}

Result<> check_register(const Participant& participant, const DistinguishedName& subject,
                        const std::vector<ClaimedName>& claims) {
  if (const auto beyond = beyond_register(participant, subject, claims))
    return fail(Code::policy_denied, fmt::format("participant {}: {}", participant.id, *beyond));
  return {};
}

}  // namespace hubseal::ca
