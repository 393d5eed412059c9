#include "daemon/ca/profile.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/log.h"
#include "common/toml.h"
#include "daemon/ca/placeholders.h"
#include "daemon/ca/profile_extensions.h"
#include "daemon/quota/read_quota.h"

namespace hubseal::ca {
namespace {

using x509::Attribute;
using x509::ExtendedKeyUsage;
using x509::KeyUsage;

constexpr std::int64_t kMaxValidityDays = 20 * 366;
constexpr std::chrono::days kMaxResponderValidity{31};
constexpr std::int64_t kMaxBackdateMinutes = 24 * 60;
constexpr std::int64_t kMaxPathLen = 8;
constexpr std::int64_t kMaxApprovals = 16;

constexpr std::array<std::pair<std::string_view, Kind>, 3> kKinds = {{
    {"ca", Kind::ca},
    {"end_entity", Kind::end_entity},
    {"ocsp_responder", Kind::ocsp_responder},
}};
constexpr std::array<std::pair<std::string_view, Hash>, 3> kHashes = {{
    {"sha256", Hash::sha256},
    {"sha384", Hash::sha384},
    {"sha512", Hash::sha512},
}};

tl::unexpected<Error> refuse(std::string_view key, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("\"{}\" {}", key, problem));
}

/// A list of words of a table, none of them twice.
template <class Table>
auto words(Fields& fields, std::string_view key, const Table& table)
    -> Result<std::vector<std::remove_cvref_t<decltype(table[0].second)>>> {
  std::vector<std::remove_cvref_t<decltype(table[0].second)>> values;
  for (const std::string& word : TRY(fields.text_list(key, table.size(), 64))) {
    const auto entry = std::find_if(table.begin(), table.end(), [&](const auto& pair) { return pair.first == word; });
    if (entry == table.end()) {
      std::string wanted;
      for (const auto& pair : table) wanted.append(wanted.empty() ? "" : ", ").append(pair.first);
      return refuse(key, fmt::format("holds \"{}\"; wanted words of: {}", log::printable(word, 64), wanted));
    }
    if (std::find(values.begin(), values.end(), entry->second) != values.end())
      return refuse(key, fmt::format("holds \"{}\" twice", word));
    values.push_back(entry->second);
  }
  return values;
}

/// What can be said of a default before it is filled in.
Result<> check_default(const std::string& key, Attribute attribute, Kind kind, const std::string& value) {
  const bool alone = value == kCa || value == kOrganization || value == kCountry;
  if (alone || value.find(kSubject) != std::string::npos) {
    if (kind == Kind::ca) return refuse(key, "uses a placeholder; a CA has neither participant nor issuer here");
    if (kind == Kind::ocsp_responder && value != kCa)
      return refuse(key, "uses a placeholder; an OCSP responder has no participant: wanted {ca}, standing alone");
    if (attribute == Attribute::country && value != kCa && value != kCountry)
      return refuse(key, "makes a country of something else");
    return {};
  }
  if (value.find_first_of("{}") != std::string::npos)
    return refuse(key, fmt::format("is \"{}\"; the placeholders are {{subject}} and, standing alone, {{ca}}, "
                                   "{{organization}} and {{country}}",
                                   log::printable(value, 64)));
  if (const auto checked = x509::check_attribute(attribute, value); !checked)
    return refuse(key, "cannot be used: " + checked.error().message);
  return {};
}

Result<std::map<Attribute, AttributeRule>> decode_subject(Fields fields, Kind kind) {
  std::map<Attribute, AttributeRule> rules;
  for (const auto& [word, attribute] : x509::kAttributes) {
    auto table = TRY(fields.optional_object(word));
    if (!table) continue;
    AttributeRule rule;
    rule.required = TRY(table->boolean_or("required", false));
    rule.from_request = TRY(table->boolean_or("from_request", false));
    rule.default_value = TRY(table->optional_text("default", 256)).value_or("");
    TRY(table->nothing_left());
    const std::string key = fmt::format("subject.{}", word);
    if (!rule.default_value.empty()) TRY(check_default(key + ".default", attribute, kind, rule.default_value));
    if (!rule.from_request && rule.default_value.empty())
      return refuse(key, "can never get a value: wanted from_request = true or a default");
    rules.emplace(attribute, rule);
  }
  TRY(fields.nothing_left());
  const auto common_name = rules.find(Attribute::common_name);
  if (common_name == rules.end() || !common_name->second.required)
    return refuse("subject.common_name.required", "is not true; every certificate has a CN (PKI-5)");
  return rules;
}

Result<NameRules> decode_names(Fields fields) {
  NameRules rules;
  rules.dns = TRY(fields.boolean_or("dns", false));
  rules.ip = TRY(fields.boolean_or("ip", false));
  rules.wildcard = TRY(fields.boolean_or("wildcard", false));
  rules.required = TRY(fields.boolean_or("required", false));
  rules.max = static_cast<std::size_t>(TRY(fields.integer("max", 1, x509::kMaxAltNames)));
  rules.dns_suffixes = TRY(fields.text_list("dns_suffixes", 64, 253));
  rules.dns_patterns = TRY(read_dns_patterns(fields));
  TRY(fields.nothing_left());
  if (!rules.dns && !rules.ip) return refuse("subject_alt_names", "allows neither dns nor ip; leave the table out");
  if (!rules.dns && (rules.wildcard || !rules.dns_suffixes.empty() || !rules.dns_patterns.empty()))
    return refuse("subject_alt_names.dns", "is false, but there are rules for DNS names");
  for (const std::string& suffix : rules.dns_suffixes) {
    const auto canonical = x509::canonical_dns(suffix);
    if (!canonical || *canonical != suffix || x509::is_wildcard(suffix))
      return refuse("subject_alt_names.dns_suffixes",
                    fmt::format("holds \"{}\"; wanted DNS names in lower case, without \"*.\" or a dot in front",
                                log::printable(suffix, 64)));
  }
  return rules;
}

bool has(const Profile& profile, KeyUsage usage) {
  return std::find(profile.key_usage.begin(), profile.key_usage.end(), usage) != profile.key_usage.end();
}

/// Delegated by the CA, for a short time because nobody asks whether it is revoked itself.
Result<> check_responder(const Profile& profile) {
  if (profile.key_usage != std::vector{KeyUsage::digital_signature})
    return refuse("key_usage", "is not [\"digital_signature\"], which kind = \"ocsp_responder\" needs");
  if (profile.extended_key_usage != std::vector{ExtendedKeyUsage::ocsp_signing})
    return refuse("extended_key_usage", "is not [\"ocsp_signing\"], which kind = \"ocsp_responder\" needs");
  if (profile.names.max > 0) return refuse("subject_alt_names", "is not for kind = \"ocsp_responder\"");
  if (profile.validity > kMaxResponderValidity)
    return refuse("validity_days", "is more than 31 for kind = \"ocsp_responder\", which cannot be revoked");
  if (profile.path_len) return refuse("path_len", "is for kind = \"ca\" only");
  if (!profile.name_constraints.empty()) return refuse("name_constraints", "is for kind = \"ca\" only");
  return {};
}

/// What the keys mean together.
Result<> check(const Profile& profile) {
  if (profile.key_types.empty()) return refuse("key_types", "is empty or missing: no key could be certified");
  if (profile.key_usage.empty()) return refuse("key_usage", "is empty or missing: the key could do nothing");
  if (profile.kind == Kind::ocsp_responder) return check_responder(profile);
  if (std::find(profile.extended_key_usage.begin(), profile.extended_key_usage.end(), ExtendedKeyUsage::ocsp_signing) !=
      profile.extended_key_usage.end())
    return refuse("extended_key_usage", "has ocsp_signing, which is for kind = \"ocsp_responder\" only");
  if (profile.kind == Kind::ca) {
    if (!has(profile, KeyUsage::key_cert_sign))
      return refuse("key_usage", "lacks key_cert_sign, which kind = \"ca\" needs");
    if (has(profile, KeyUsage::key_encipherment)) return refuse("key_usage", "has key_encipherment, which no CA needs");
    if (!profile.extended_key_usage.empty())
      return refuse("extended_key_usage", "is not for kind = \"ca\": it would limit what may be issued");
    if (profile.names.max > 0) return refuse("subject_alt_names", "is not for kind = \"ca\"");
    return {};
  }
  if (has(profile, KeyUsage::key_cert_sign) || has(profile, KeyUsage::crl_sign))
    return refuse("key_usage",
                  "has key_cert_sign or crl_sign, which kind = \"end_entity\" may not have (RFC 5280 4.2.1.9)");
  if (profile.path_len) return refuse("path_len", "is for kind = \"ca\" only");
  if (!profile.name_constraints.empty()) return refuse("name_constraints", "is for kind = \"ca\" only");
  if (profile.renew_from >= profile.validity)
    return refuse("renew_from_days", "is not below validity_days: no certificate could be renewed in time");
  for (const KeyType type : profile.key_types)
    if (profile.key_usage_bits(type) == 0)
      return refuse("key_usage", fmt::format("leaves nothing for {} keys, which key_types allows", to_string(type)));
  return {};
}

Result<Profile> decode(Fields fields) {
  Profile profile;
  profile.name = TRY(fields.name("name", 64));
  profile.description = TRY(fields.text("description", 256));
  profile.kind = TRY(fields.choice("kind", kKinds));
  profile.key_types = TRY(words(fields, "key_types", kKeyTypes));
  profile.signature_hash = TRY(fields.choice("signature_hash", kHashes));
  profile.validity = std::chrono::days(TRY(fields.integer("validity_days", 1, kMaxValidityDays)));
  profile.backdate = std::chrono::minutes(TRY(fields.integer("backdate_minutes", 0, kMaxBackdateMinutes)));
  profile.key_usage = TRY(words(fields, "key_usage", x509::kKeyUsages));
  profile.extended_key_usage = TRY(words(fields, "extended_key_usage", x509::kExtendedKeyUsages));
  if (fields.has("path_len")) profile.path_len = TRY(fields.integer("path_len", 0, kMaxPathLen));
  if (profile.kind == Kind::end_entity) {
    profile.approvals = static_cast<unsigned>(TRY(fields.integer("approvals", 0, kMaxApprovals)));
    profile.renew_from = std::chrono::days(TRY(fields.integer("renew_from_days", 0, kMaxValidityDays)));
    if (auto quota = TRY(fields.optional_object("quota"))) profile.quota = TRY(daemon::read_quota(*std::move(quota)));
  }
  TRY(read_extensions(fields, profile));
  if (auto constraints = TRY(fields.optional_object("name_constraints")))
    profile.name_constraints = TRY(read_name_constraints(*std::move(constraints)));
  auto subject = TRY(fields.object("subject"));
  profile.subject = TRY(decode_subject(std::move(subject), profile.kind));
  if (auto names = TRY(fields.optional_object("subject_alt_names")))
    profile.names = TRY(decode_names(*std::move(names)));
  TRY(fields.nothing_left());
  TRY(check(profile));
  return profile;
}

}  // namespace

std::string_view to_string(Kind kind) {
  for (const auto& [word, value] : kKinds)
    if (value == kind) return word;
  return "unknown";
}

bool Profile::allows(KeyType type) const {
  return std::find(key_types.begin(), key_types.end(), type) != key_types.end();
}

std::uint32_t Profile::key_usage_bits(KeyType type) const {
  std::uint32_t bits = 0;
  for (const KeyUsage usage : key_usage)
    if (usage != KeyUsage::key_encipherment || is_rsa(type)) bits |= static_cast<std::uint32_t>(usage);
  return bits;
}

std::vector<std::string> with_ca(const std::vector<std::string>& urls, std::string_view ca) {
  std::vector<std::string> filled = urls;
  for (std::string& url : filled) url = filled_in(std::move(url), kCa, ca);
  return filled;
}

Result<> Profiles::add(const std::string& file, std::string_view text) {
  const Json json = TRY(parse_toml(text, file));
  auto profile = Fields::of(json).and_then(decode);
  const std::string stem = std::filesystem::path(file).stem().string();
  if (profile && profile->name != stem)
    profile = refuse(
        "name", fmt::format("is \"{}\"; wanted the file's own name, \"{}\"", profile->name, log::printable(stem, 64)));
  if (!profile) return fail(profile.error().code, fmt::format("profile {}: {}", file, profile.error().message));
  std::string name = profile->name;
  profiles_.insert_or_assign(std::move(name), *std::move(profile));
  return {};
}

const Profile* Profiles::find(std::string_view name) const {
  const auto found = profiles_.find(name);
  return found == profiles_.end() ? nullptr : &found->second;
}

}  // namespace hubseal::ca
