#include "daemon/ca/name_constraints.h"

#include <arpa/inet.h>

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/log.h"
#include "common/number.h"
#include "common/x509/der.h"
#include "common/x509/subject_alt_names.h"

namespace hubseal::ca {
namespace {

using x509::der_value;

constexpr std::uint8_t kSequence = 0x30, kContext0 = 0xa0, kContext1 = 0xa1, kDnsName = 0x82, kIpAddress = 0x87;
constexpr std::size_t kMaxAddress = 16;

/// An address and, of the same length, its mask: as iPAddress constraints have them.
struct Network {
  Bytes address, mask;
};

Result<Network> parse_network(std::string_view text) {
  const auto refuse = [&] {
    return fail(Code::bad_request,
                fmt::format("\"{}\" is no network; wanted an address, \"/\" and a length", log::printable(text, 64)));
  };
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return refuse();
  const std::string address(text.substr(0, slash));
  Network network;
  network.address.resize(kMaxAddress);
  const bool v6 = address.find(':') != std::string::npos;
  if (::inet_pton(v6 ? AF_INET6 : AF_INET, address.c_str(), network.address.data()) != 1) return refuse();
  network.address.resize(v6 ? 16 : 4);
  const auto length = parse_number<std::size_t>(text.substr(slash + 1), 0, network.address.size() * 8);
  if (!length) return refuse();
  for (std::size_t i = 0; i < network.address.size(); ++i) {
    const std::size_t left = *length > i * 8 ? *length - i * 8 : 0;
    network.mask.push_back(left >= 8 ? 0xff : static_cast<std::uint8_t>(0xff00u >> left));
    if (network.address[i] & ~network.mask[i])
      return fail(Code::bad_request, fmt::format("\"{}\" has bits beyond its length", log::printable(text, 64)));
  }
  return network;
}

/// Of a mask that is one run of ones; of any other, which no length says, its bytes.
std::string text_of(ByteView address, ByteView mask) {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(address.size() == 16 ? AF_INET6 : AF_INET, address.data(), text, sizeof text);
  const auto is_set = [&](std::size_t bit) { return (mask[bit / 8] & (0x80u >> bit % 8)) != 0; };
  std::size_t length = 0, ones = 0;
  while (length < mask.size() * 8 && is_set(length)) ++length;
  for (std::size_t bit = 0; bit < mask.size() * 8; ++bit) ones += is_set(bit) ? 1u : 0u;
  return ones == length ? fmt::format("{}/{}", text, length) : fmt::format("{}/{}", text, to_hex(mask));
}

bool is_name_below(const std::string& name, const std::string& parent) {
  return name == parent ||
         (name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.');
}

bool is_same(const std::string& one, const std::string& other) { return one == other; }

/// No name of a kind that `outer` limits is permitted beyond it.
template <class Below>
bool permits_no_more(const std::vector<std::string>& inner, const std::vector<std::string>& outer, const Below& below) {
  if (outer.empty()) return true;
  return !inner.empty() && std::all_of(inner.begin(), inner.end(), [&](const std::string& one) {
    return std::any_of(outer.begin(), outer.end(), [&](const std::string& limit) { return below(one, limit); });
  });
}

template <class Below>
bool excludes_no_less(const std::vector<std::string>& inner, const std::vector<std::string>& outer,
                      const Below& below) {
  return std::all_of(outer.begin(), outer.end(), [&](const std::string& one) {
    return std::any_of(inner.begin(), inner.end(), [&](const std::string& limit) { return below(one, limit); });
  });
}

/// GeneralSubtrees; empty when there are none.
Result<Bytes> subtrees(std::uint8_t tag, const std::vector<std::string>& dns, const std::vector<std::string>& ip) {
  Bytes list;
  const auto add = [&](const Bytes& name) {
    const Bytes subtree = der_value(kSequence, {name});
    list.insert(list.end(), subtree.begin(), subtree.end());
  };
  for (const std::string& name : dns) add(der_value(kDnsName, {as_bytes(name)}));
  for (const std::string& network : ip) {
    const auto parsed = parse_network(network);
    if (!parsed) return fail(Code::internal, parsed.error().message);
    add(der_value(kIpAddress, {parsed->address, parsed->mask}));
  }
  return list.empty() ? list : der_value(tag, {list});
}

Result<> read_subtrees(const STACK_OF(GENERAL_SUBTREE) * trees, std::vector<std::string>& dns,
                       std::vector<std::string>& ip) {
  for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_SUBTREE_value(trees, i)->base;
    if (name->type == GEN_DNS) {
      const ASN1_IA5STRING* text = name->d.dNSName;
      dns.emplace_back(as_text({ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))}));
    } else if (name->type == GEN_IPADD) {
      const ASN1_OCTET_STRING* octets = name->d.iPAddress;
      const ByteView both(ASN1_STRING_get0_data(octets), static_cast<std::size_t>(ASN1_STRING_length(octets)));
      if (both.size() != 8 && both.size() != 32) return fail(Code::bad_request, "name constraint of a wrong length");
      ip.push_back(text_of(both.first(both.size() / 2), both.subspan(both.size() / 2)));
    } else {
      return fail(Code::bad_request, fmt::format("name constraint of kind {}", name->type));
    }
  }
  return {};
}

NameConstraintsPtr extension_of(const X509* certificate) {
  return NameConstraintsPtr(
      static_cast<NAME_CONSTRAINTS*>(X509_get_ext_d2i(certificate, NID_name_constraints, nullptr, nullptr)));
}

}  // namespace

bool NameConstraints::empty() const {
  return permitted_dns.empty() && excluded_dns.empty() && permitted_ip.empty() && excluded_ip.empty();
}

Result<std::string> canonical_network(std::string_view network) {
  const Network parsed = TRY(parse_network(network));
  return text_of(parsed.address, parsed.mask);
}

Result<Bytes> der_of(const NameConstraints& constraints) {
  const Bytes permitted = TRY(subtrees(kContext0, constraints.permitted_dns, constraints.permitted_ip));
  const Bytes excluded = TRY(subtrees(kContext1, constraints.excluded_dns, constraints.excluded_ip));
  return der_value(kSequence, {permitted, excluded});
}

Result<NameConstraints> constraints_in(const x509::Certificate& certificate) {
  NameConstraints found;
  const NameConstraintsPtr value = extension_of(certificate.openssl());
  if (!value) return found;
  TRY(read_subtrees(value->permittedSubtrees, found.permitted_dns, found.permitted_ip));
  TRY(read_subtrees(value->excludedSubtrees, found.excluded_dns, found.excluded_ip));
  return found;
}

bool are_constraints_critical(const x509::Certificate& certificate) {
  const int at = X509_get_ext_by_NID(certificate.openssl(), NID_name_constraints, -1);
  return at < 0 || X509_EXTENSION_get_critical(X509_get_ext(certificate.openssl(), at)) == 1;
}

bool is_within(const NameConstraints& inner, const NameConstraints& outer) {
  return permits_no_more(inner.permitted_dns, outer.permitted_dns, is_name_below) &&
         permits_no_more(inner.permitted_ip, outer.permitted_ip, is_same) &&
         excludes_no_less(inner.excluded_dns, outer.excluded_dns, is_name_below) &&
         excludes_no_less(inner.excluded_ip, outer.excluded_ip, is_same);
}

std::string words_of(const NameConstraints& constraints) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty())
      parts.push_back(fmt::format("{}: {}", what, log::printable(fmt::format("{}", fmt::join(names, ", ")), 200)));
  };
  add("permitted dns", constraints.permitted_dns);
  add("permitted ip", constraints.permitted_ip);
  add("excluded dns", constraints.excluded_dns);
  add("excluded ip", constraints.excluded_ip);
  return parts.empty() ? "no name constraints" : fmt::format("{}", fmt::join(parts, "; "));
}

Result<> check_constraints(const x509::Certificate& issuer, const x509::Certificate& certificate) {
  const NameConstraintsPtr constraints = extension_of(issuer.openssl());
  if (!constraints) return {};
  // Decoded anew: OpenSSL keeps what it learns of a certificate in it, and this one is shared.
  const unsigned char* next = certificate.der().data();
  const CertificatePtr own(d2i_X509(nullptr, &next, static_cast<long>(certificate.der().size())));
  if (!own) return fail(Code::internal, "a certificate that does not decode: " + drain_openssl_errors());
  X509_check_purpose(own.get(), -1, 0);  // fills in the names that are compared below
  int verdict = NAME_CONSTRAINTS_check(own.get(), constraints.get());
  if (verdict == X509_V_OK) verdict = NAME_CONSTRAINTS_check_CN(own.get(), constraints.get());
  if (verdict == X509_V_OK) return {};
  return fail(Code::policy_denied, fmt::format("the names of {} lie outside the CA's name constraints: {}",
                                               certificate.subject(), X509_verify_cert_error_string(verdict)));
}

}  // namespace hubseal::ca
