#include "daemon/ca/participant.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::ca {
namespace {

using x509::Attribute;

void claim(std::vector<ClaimedName>& claims, NameKind kind, std::string value) {
  ClaimedName name{kind, std::move(value)};
  if (std::find(claims.begin(), claims.end(), name) == claims.end()) claims.push_back(std::move(name));
}

std::string registered(std::string_view value) {
  return value.empty() ? "none is registered" : fmt::format("registered is \"{}\"", value);
}

}  // namespace

std::string_view to_string(NameKind kind) {
  switch (kind) {
    case NameKind::cn: return "cn";
    case NameKind::dns: return "dns";
    case NameKind::ip: return "ip";
  }
  return "unknown";
}

std::string comparable(std::string_view name) {
  std::string result;
  for (const char c : name)
    if (c != ' ' || result.empty() || result.back() != ' ')
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

std::optional<std::string> host_in(std::string_view common_name) {
  if (common_name.ends_with('.')) common_name.remove_suffix(1);
  auto name = x509::canonical_dns(common_name);
  return name ? std::optional(*std::move(name)) : std::nullopt;
}

// Some clients still take the CN for the host's name: it must not be another's host either.
std::vector<ClaimedName> claims_of(std::string_view common_name) {
  std::vector<ClaimedName> claims;
  claim(claims, NameKind::cn, comparable(common_name));
  if (auto dns = host_in(common_name)) claim(claims, NameKind::dns, *std::move(dns));
  if (auto ip = x509::canonical_ip(common_name)) claim(claims, NameKind::ip, *std::move(ip));
  return claims;
}

std::vector<ClaimedName> claims_of(const x509::DistinguishedName& subject, const x509::SubjectAltNames& names) {
  std::vector<ClaimedName> claims;
  if (const auto common_name = subject.get(Attribute::common_name)) claims = claims_of(*common_name);
  for (const std::string& name : names.dns()) claim(claims, NameKind::dns, name);
  for (const std::string& address : names.ip()) claim(claims, NameKind::ip, address);
  return claims;
}

std::optional<std::string> beyond_register(const Participant& participant, const x509::DistinguishedName& subject,
                                           const std::vector<ClaimedName>& claims) {
  if (!participant.names) return std::nullopt;
  for (const auto& [attribute, known] : {std::pair(Attribute::organization, &participant.organization),
                                         std::pair(Attribute::country, &participant.country)})
    if (const auto value = subject.get(attribute); value && *value != *known)
      return fmt::format("{} \"{}\"; {}", x509::to_string(attribute), log::printable(*value, 80), registered(*known));
  for (const ClaimedName& name : claims)
    if (std::find(participant.names->begin(), participant.names->end(), name) == participant.names->end())
      return fmt::format("{} {}, which is not registered", to_string(name.kind), log::printable(name.value, 80));
  return std::nullopt;
}

}  // namespace hubseal::ca
