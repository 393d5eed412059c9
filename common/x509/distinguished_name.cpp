#include "common/x509/distinguished_name.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::x509 {
namespace {

constexpr std::array<std::pair<Attribute, int>, 6> kNids = {{
    {Attribute::common_name, NID_commonName},
    {Attribute::organization, NID_organizationName},
    {Attribute::organizational_unit, NID_organizationalUnitName},
    {Attribute::locality, NID_localityName},
    {Attribute::state, NID_stateOrProvinceName},
    {Attribute::country, NID_countryName},
}};

int nid_of(Attribute attribute) {
  for (const auto& [candidate, nid] : kNids)
    if (candidate == attribute) return nid;
  return NID_undef;
}

std::string type_name(const ASN1_OBJECT* type) {
  const int nid = OBJ_obj2nid(type);
  if (nid != NID_undef) return OBJ_nid2ln(nid);
  char oid[128] = "";
  OBJ_obj2txt(oid, sizeof oid, type, 1);
  return oid;
}

/// The code point at the front of `rest`, taken off it; -1 for what is not UTF-8 (RFC 3629): overlong
/// forms, surrogates, beyond U+10FFFF, cut off.
long take_code_point(std::string_view& rest) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
  const unsigned char lead = byte(0);
  const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  constexpr long kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || rest.size() < size) return -1;
  long point = size == 1 ? lead : lead & (0x7f >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return -1;
    point = point << 6 | (byte(i) & 0x3f);
  }
  rest.remove_prefix(size);
  return point < kSmallest[size] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? -1 : point;
}

/// Characters that end lines, reorder what is displayed, cannot be seen, or look like others: a name
/// that an operator approves must be the name that is signed, and one that is compared must not be
/// another's after RFC 4518 section 2.2 has taken characters out of it or made them spaces.
bool is_deceptive(long point) {
  static constexpr std::pair<long, long> kRanges[] = {
      {0x00, 0x1f},     {0x7f, 0xa0},     {0xad, 0xad},       {0x34f, 0x34f},    {0x61c, 0x61c},   {0x115f, 0x1160},
      {0x1680, 0x1680}, {0x17b4, 0x17b5}, {0x1806, 0x1806},   {0x180b, 0x180f},  {0x2000, 0x200f}, {0x2028, 0x202f},
      {0x205f, 0x206f}, {0x3000, 0x3000}, {0x3164, 0x3164},   {0xfe00, 0xfe0f},  {0xfeff, 0xfeff}, {0xff01, 0xff5e},
      {0xffa0, 0xffa0}, {0xfff0, 0xfffc}, {0x1d173, 0x1d17a}, {0xe0000, 0xe0fff}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [point](const auto& range) { return point >= range.first && point <= range.second; });
}

tl::unexpected<Error> bad_value(Attribute attribute, std::string_view value, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("{} \"{}\" {}", to_string(attribute), log::printable(value, 80), problem));
}

/// The value as UTF-8. BMPString is what old Windows tools write; T61String and the rest mean
/// different things to different readers.
Result<std::string> utf8_of(Attribute attribute, const ASN1_STRING* value) {
  const std::string raw(reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
                        static_cast<std::size_t>(ASN1_STRING_length(value)));
  const auto is_ascii = [](char c) { return !(c & 0x80); };
  switch (ASN1_STRING_type(value)) {
    case V_ASN1_UTF8STRING: return raw;
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_IA5STRING:
      if (std::all_of(raw.begin(), raw.end(), is_ascii)) return raw;
      return bad_value(attribute, raw, "has bytes that its string type does not have");
    case V_ASN1_BMPSTRING: {
      unsigned char* utf8 = nullptr;
      const int size = ASN1_STRING_to_UTF8(&utf8, value);
      if (size < 0) return bad_value(attribute, raw, "is not a BMPString: " + drain_openssl_errors());
      std::string text(reinterpret_cast<char*>(utf8), static_cast<std::size_t>(size));
      OPENSSL_free(utf8);
      return text;
    }
    default:
      return bad_value(
          attribute, raw,
          fmt::format("is a {}; wanted UTF8String or PrintableString", ASN1_tag2str(ASN1_STRING_type(value))));
  }
}

/// RFC 4514 section 2.4. check_attribute has refused spaces at the ends and control characters.
std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (std::string_view("\"+,;<>\\").find(c) != std::string_view::npos || (c == '#' && text.empty())) text += '\\';
    text += c;
  }
  return text;
}

}  // namespace

std::string_view to_string(Attribute attribute) {
  for (const auto& [word, value] : kAttributes)
    if (value == attribute) return word;
  return "unknown";
}

std::string_view short_name(Attribute attribute) {
  switch (attribute) {
    case Attribute::common_name: return "CN";
    case Attribute::organization: return "O";
    case Attribute::organizational_unit: return "OU";
    case Attribute::locality: return "L";
    case Attribute::state: return "ST";
    case Attribute::country: return "C";
  }
  return "?";
}

std::size_t max_characters(Attribute attribute) {
  switch (attribute) {
    case Attribute::common_name:
    case Attribute::organization:
    case Attribute::organizational_unit: return 64;
    case Attribute::locality:
    case Attribute::state: return 128;
    case Attribute::country: return 2;
  }
  return 0;
}

Result<> check_attribute(Attribute attribute, std::string_view value) {
  if (value.empty()) return bad_value(attribute, value, "is empty");
  std::size_t characters = 0;
  for (std::string_view rest = value; !rest.empty(); ++characters) {
    const long point = take_code_point(rest);
    if (point < 0) return bad_value(attribute, value, "is not UTF-8");
    if (is_deceptive(point))
      return bad_value(attribute, value,
                       fmt::format("holds U+{:04X}, a character that is not seen or passes for another", point));
  }
  if (characters > max_characters(attribute))
    return bad_value(attribute, value,
                     fmt::format("has {} characters; at most {} are accepted (RFC 5280 appendix A)", characters,
                                 max_characters(attribute)));
  if (value.front() == ' ' || value.back() == ' ') return bad_value(attribute, value, "begins or ends with a space");
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  if (attribute == Attribute::country && (value.size() != 2 || !std::all_of(value.begin(), value.end(), is_capital)))
    return bad_value(attribute, value, "is not a country: wanted two capital letters (ISO 3166)");
  return {};
}

Result<DistinguishedName> DistinguishedName::of(std::vector<Entry> entries) {
  for (const auto& [attribute, value] : entries) TRY(check_attribute(attribute, value));
  std::sort(entries.begin(), entries.end());
  const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                        [](const Entry& one, const Entry& next) { return one.first == next.first; });
  if (twice != entries.end()) return bad_value(twice->first, twice->second, "is the second of its kind");
  DistinguishedName name;
  name.entries_ = std::move(entries);
  return name;
}

Result<DistinguishedName> DistinguishedName::parse(const X509_NAME* name) {
  DistinguishedName result;
  int previous_set = -1;
  for (int i = 0; i < X509_NAME_entry_count(name); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(name, i);
    const ASN1_OBJECT* type = X509_NAME_ENTRY_get_object(entry);
    const auto known = std::find_if(kNids.begin(), kNids.end(),
                                    [nid = OBJ_obj2nid(type)](const auto& pair) { return pair.second == nid; });
    if (known == kNids.end())
      return fail(
          Code::policy_denied,
          fmt::format("subject attribute {} is not accepted; wanted CN, O, OU, L, ST and C only", type_name(type)));
    const std::string value = TRY(utf8_of(known->first, X509_NAME_ENTRY_get_data(entry)));
    if (X509_NAME_ENTRY_set(entry) == previous_set)
      return bad_value(known->first, value, "shares its RDN with another attribute; wanted one attribute per RDN");
    previous_set = X509_NAME_ENTRY_set(entry);
    TRY(check_attribute(known->first, value));
    if (result.get(known->first)) return bad_value(known->first, value, "is the second of its kind");
    result.entries_.emplace_back(known->first, value);
  }
  return result;
}

std::optional<std::string> DistinguishedName::get(Attribute attribute) const {
  for (const auto& [candidate, value] : entries_)
    if (candidate == attribute) return value;
  return std::nullopt;
}

std::string DistinguishedName::text() const {
  std::string text;
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry)
    text += fmt::format("{}{}={}", text.empty() ? "" : ",", short_name(entry->first), escaped(entry->second));
  return text;
}

Result<NamePtr> DistinguishedName::to_openssl() const {
  NamePtr name(X509_NAME_new());
  for (const auto& [attribute, value] : entries_) {
    const int type = attribute == Attribute::country ? V_ASN1_PRINTABLESTRING : V_ASN1_UTF8STRING;
    if (!name || X509_NAME_add_entry_by_NID(name.get(), nid_of(attribute), type,
                                            reinterpret_cast<const unsigned char*>(value.data()),
                                            static_cast<int>(value.size()), -1, 0) != 1)
      return fail(Code::internal, "name does not encode: " + drain_openssl_errors());
  }
  return name;
}

std::string name_text(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(memory.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

Bytes name_der(const X509_NAME* name) {
  const unsigned char* der = nullptr;
  std::size_t size = 0;
  if (X509_NAME_get0_der(name, &der, &size) != 1) return {};
  return {der, der + size};
}

}  // namespace hubseal::x509
