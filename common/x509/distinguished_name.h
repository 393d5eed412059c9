/// The names that certificates are made out to.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/bytes.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::x509 {

/// The attribute types of X.520 that HubSeal knows; every other is refused by name.
enum class Attribute { country, state, locality, organization, organizational_unit, common_name };

/// In the words of the wire and of profiles.
constexpr std::array<std::pair<std::string_view, Attribute>, 6> kAttributes = {{
    {"common_name", Attribute::common_name},
    {"organization", Attribute::organization},
    {"organizational_unit", Attribute::organizational_unit},
    {"locality", Attribute::locality},
    {"state", Attribute::state},
    {"country", Attribute::country},
}};

std::string_view to_string(Attribute attribute);   ///< "common_name"
std::string_view short_name(Attribute attribute);  ///< "CN"
/// RFC 5280 appendix A: 64 for names, 128 for places, 2 for countries. Counted in characters.
std::size_t max_characters(Attribute attribute);

/// Whether `value` may stand in a name: valid UTF-8, 1 to max_characters(), no control characters,
/// no space at either end; a country is two capital letters. The error names attribute and problem.
Result<> check_attribute(Attribute attribute, std::string_view value);

/// A distinguished name: at most one value per attribute type, one attribute per RDN.
/// Order is that of the encoding; names made here go from the country down to the common name.
class DistinguishedName {
 public:
  using Entry = std::pair<Attribute, std::string>;

  DistinguishedName() = default;  ///< the empty name
  /// Any order, stored from country to common name. Errors: bad_request (bad value, repeated type).
  static Result<DistinguishedName> of(std::vector<Entry> entries);
  /// Errors: bad_request (bad value, repeated or multi-valued RDN), policy_denied (other attribute).
  static Result<DistinguishedName> parse(const X509_NAME* name);

  bool empty() const { return entries_.empty(); }
  const std::vector<Entry>& entries() const { return entries_; }
  std::optional<std::string> get(Attribute attribute) const;
  /// RFC 4514: "CN=bank1,O=Bank One,C=KE"; the last encoded comes first. UTF-8 stays as it is.
  std::string text() const;
  /// Countries as PrintableString, all others as UTF8String.
  Result<NamePtr> to_openssl() const;

  bool operator==(const DistinguishedName&) const = default;

 private:
  std::vector<Entry> entries_;
};

/// RFC 4514 text of any name, also one that DistinguishedName refuses: for messages and display.
std::string name_text(const X509_NAME* name);
/// The name's DER as it was read.
Bytes name_der(const X509_NAME* name);

}  // namespace hubseal::x509
