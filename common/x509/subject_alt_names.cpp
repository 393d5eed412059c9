#include "common/x509/subject_alt_names.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::x509 {
namespace {

tl::unexpected<Error> bad_dns(std::string_view name, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("DNS name \"{}\" {}", log::printable(name, 80), problem));
}

Result<> check_count(std::size_t count) {
  if (count <= kMaxAltNames) return {};
  return fail(Code::too_large, fmt::format("{} subjectAltNames; at most {} are accepted", count, kMaxAltNames));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || is_digit(c); }

/// ::ffff:0:0/96 and ::/96 (RFC 4291 section 2.5.5), but for :: and ::1: several verifiers take them for the
/// IPv4 address in their last four bytes, which may be somebody else's.
bool holds_ipv4(ByteView address) {
  const auto zeros = [&](std::size_t count) {
    return std::all_of(address.begin(), address.begin() + static_cast<std::ptrdiff_t>(count),
                       [](std::uint8_t byte) { return byte == 0; });
  };
  if (zeros(10) && address[10] == 0xff && address[11] == 0xff) return true;
  return zeros(12) && !(zeros(15) && address[15] <= 1);
}

Result<std::string> ip_text(ByteView address) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = address.size() == 4 ? AF_INET : AF_INET6;
  if (address.size() == 16 && holds_ipv4(address))
    return fail(Code::bad_request, "IPv6 address with an IPv4 address in it; wanted the IPv4 address itself");
  if ((address.size() != 4 && address.size() != 16) || !::inet_ntop(family, address.data(), text, sizeof text))
    return fail(Code::bad_request, fmt::format("IP address of {} bytes; wanted 4 or 16", address.size()));
  return std::string(text);
}

Result<Bytes> ip_bytes(const std::string& text) {
  Bytes address(16);
  if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
  address.resize(4);
  if (::inet_pton(AF_INET, text.c_str(), address.data()) == 1) return address;
  return fail(Code::bad_request, fmt::format("\"{}\" is not an IPv4 or IPv6 address", log::printable(text, 64)));
}

std::string_view kind_name(int type) {
  switch (type) {
    case GEN_EMAIL: return "rfc822Name";
    case GEN_URI: return "uniformResourceIdentifier";
    case GEN_DIRNAME: return "directoryName";
    case GEN_RID: return "registeredID";
    case GEN_OTHERNAME: return "otherName";
    case GEN_X400: return "x400Address";
    case GEN_EDIPARTY: return "ediPartyName";
    default: return "unknown kind";
  }
}

bool push(GENERAL_NAMES* names, int type, ByteView value) {
  GENERAL_NAME* name = GENERAL_NAME_new();
  ASN1_STRING* text = ASN1_STRING_type_new(type == GEN_DNS ? V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);
  if (!name || !text || ASN1_STRING_set(text, value.data(), static_cast<int>(value.size())) != 1) {
    GENERAL_NAME_free(name);
    ASN1_STRING_free(text);
    return false;
  }
  GENERAL_NAME_set0_value(name, type, text);
  if (sk_GENERAL_NAME_push(names, name) > 0) return true;
  GENERAL_NAME_free(name);
  return false;
}

}  // namespace

Result<std::string> canonical_dns(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  if (lower.empty() || lower.size() > 253) return bad_dns(name, "must have 1 to 253 bytes");

  std::string_view rest = lower;
  if (is_wildcard(rest)) rest.remove_prefix(2);
  std::string_view label;
  for (bool more = true; more;) {
    const std::size_t dot = rest.find('.');
    more = dot != std::string_view::npos;
    label = rest.substr(0, dot);
    rest.remove_prefix(more ? dot + 1 : rest.size());
    if (label.empty() || label.size() > 63) return bad_dns(name, "has a label that is empty or over 63 bytes");
    if (!std::all_of(label.begin(), label.end(), [](char c) { return is_alphanumeric(c) || c == '-'; }))
      return bad_dns(name, "may hold letters, digits, hyphens and dots only");
    if (label.front() == '-' || label.back() == '-') return bad_dns(name, "has a label with a hyphen at its end");
  }
  if (std::all_of(label.begin(), label.end(), is_digit)) return bad_dns(name, "ends in a number, as an address does");
  if (is_wildcard(lower) && std::count(lower.begin(), lower.end(), '.') < 2)
    return bad_dns(name, "is a wildcard for a whole top-level domain");
  return lower;
}

bool is_wildcard(std::string_view dns_name) { return dns_name.starts_with("*."); }

Result<std::string> canonical_ip(std::string_view address) {
  const std::string text(address);
  if (text.find('\0') != std::string::npos) return fail(Code::bad_request, "IP address with a NUL byte");
  const Bytes bytes = TRY(ip_bytes(text));
  return ip_text(bytes);
}

bool is_ip(std::string_view text) {
  return text.find('\0') == std::string_view::npos && ip_bytes(std::string(text)).has_value();
}

Result<SubjectAltNames> SubjectAltNames::of(const std::vector<std::string>& dns, const std::vector<std::string>& ip) {
  TRY(check_count(dns.size() + ip.size()));
  SubjectAltNames names;
  for (const std::string& name : dns) TRY(names.add_dns(name));
  for (const std::string& address : ip) {
    std::string canonical = TRY(canonical_ip(address));
    TRY(names.add_ip(std::move(canonical)));
  }
  return names;
}

Result<SubjectAltNames> SubjectAltNames::parse(const GENERAL_NAMES* names) {
  const int count = sk_GENERAL_NAME_num(names);
  TRY(check_count(static_cast<std::size_t>(std::max(count, 0))));
  SubjectAltNames result;
  for (int i = 0; i < count; ++i) {
    int type = -1;
    const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);
    if (type != GEN_DNS && type != GEN_IPADD)
      return fail(
          Code::policy_denied,
          fmt::format("subjectAltName of kind {} is not accepted; wanted dNSName or iPAddress", kind_name(type)));
    // The length counts, not a NUL: "bank.example\0.evil.example" is one name of 26 bytes.
    const auto* text = static_cast<const ASN1_STRING*>(value);
    const ByteView bytes(ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text)));
    if (type == GEN_DNS) {
      TRY(result.add_dns(as_text(bytes)));
    } else {
      std::string address = TRY(ip_text(bytes));
      TRY(result.add_ip(std::move(address)));
    }
  }
  return result;
}

Result<> SubjectAltNames::add_dns(std::string_view name) {
  std::string canonical = TRY(canonical_dns(name));
  if (std::find(dns_.begin(), dns_.end(), canonical) != dns_.end()) return bad_dns(name, "is named twice");
  dns_.push_back(std::move(canonical));
  return {};
}

Result<> SubjectAltNames::add_ip(std::string address) {
  if (std::find(ip_.begin(), ip_.end(), address) != ip_.end())
    return fail(Code::bad_request, fmt::format("IP address {} is named twice", address));
  ip_.push_back(std::move(address));
  return {};
}

Result<GeneralNamesPtr> SubjectAltNames::to_openssl() const {
  GeneralNamesPtr names(GENERAL_NAMES_new());
  bool good = names != nullptr;
  for (const std::string& name : dns_) good = good && push(names.get(), GEN_DNS, as_bytes(name));
  for (const std::string& address : ip_) good = good && push(names.get(), GEN_IPADD, TRY(ip_bytes(address)));
  if (!good) return fail(Code::internal, "subjectAltName does not encode: " + drain_openssl_errors());
  return names;
}

}  // namespace hubseal::x509
