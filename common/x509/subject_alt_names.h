/// The host names and addresses a certificate speaks for.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::x509 {

constexpr std::size_t kMaxAltNames = 32;

/// The lower-cased form of a DNS name: labels of letters, digits and inner hyphens (RFC 1034
/// section 3.5 with the leading digits of RFC 1123), 63 bytes a label, 253 in all, the last label
/// not a number, no final dot. One leading "*." is accepted; whether it is allowed is for others to say.
Result<std::string> canonical_dns(std::string_view name);
bool is_wildcard(std::string_view dns_name);

/// IPv4 or IPv6 as inet_ntop writes it ("192.0.2.1", "2001:db8::1"). An IPv4 address has one form here:
/// IPv6 addresses that hold one (::ffff:192.0.2.1) are refused.
Result<std::string> canonical_ip(std::string_view address);
/// Whether inet_pton reads it as an address, also as one that canonical_ip refuses.
bool is_ip(std::string_view text);

/// DNS names and IP addresses, canonical, no repetition, at most kMaxAltNames in all; every other
/// kind of general name is refused.
class SubjectAltNames {
 public:
  SubjectAltNames() = default;
  static Result<SubjectAltNames> of(const std::vector<std::string>& dns, const std::vector<std::string>& ip);
  /// Errors: bad_request (malformed, repeated), policy_denied (other kind of name), too_large.
  static Result<SubjectAltNames> parse(const GENERAL_NAMES* names);

  const std::vector<std::string>& dns() const { return dns_; }
  const std::vector<std::string>& ip() const { return ip_; }
  std::size_t size() const { return dns_.size() + ip_.size(); }
  bool empty() const { return size() == 0; }
  /// DNS names first, then addresses, each in their order.
  Result<GeneralNamesPtr> to_openssl() const;

  bool operator==(const SubjectAltNames&) const = default;

 private:
  Result<> add_dns(std::string_view name);
  Result<> add_ip(std::string address);

  std::vector<std::string> dns_;
  std::vector<std::string> ip_;
};

}  // namespace hubseal::x509
