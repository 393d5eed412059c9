/// PEM (RFC 7468), read strictly: one block and nothing around it. Lenient readers disagree about which bytes they have
/// read, and what two readers see differently can be signed by one and refused by the other.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal::x509 {

/// CSRs and certificates are refused above this, in PEM and in DER.
constexpr std::size_t kMaxPemBytes = 32 * 1024;

/// The DER inside a text that is exactly one PEM block with one of these labels. Lines end in LF or
/// CRLF; white space is accepted after the END line only. Errors: bad_request, too_large (above `max` characters).
Result<Bytes> der_of_pem(std::string_view pem, std::initializer_list<std::string_view> labels,
                         std::size_t max = kMaxPemBytes);

/// 64 characters a line, LF.
std::string pem_of_der(ByteView der, std::string_view label);

}  // namespace hubseal::x509
