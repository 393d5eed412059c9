/// PEM (RFC 7468) and the outer shell of signed DER, read strictly: one block and nothing around it,
/// one SEQUENCE and nothing after it. Lenient readers disagree about which bytes they have read, and
/// what two readers see differently can be signed by one and refused by the other.
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
/// CRLF; white space is accepted after the END line only. Errors: bad_request, too_large.
Result<Bytes> der_of_pem(std::string_view pem, std::initializer_list<std::string_view> labels);

/// 64 characters a line, LF.
std::string pem_of_der(ByteView der, std::string_view label);

/// SEQUENCE { to_be_signed, signatureAlgorithm, signature }, the shape of certificates, CSRs and
/// CRLs. Views into the input.
struct SignedShell {
  ByteView to_be_signed;
  ByteView algorithm;  ///< DER AlgorithmIdentifier
  ByteView signature;  ///< content of the BIT STRING
};
/// Only the shell: what is inside to_be_signed is somebody else's business.
Result<SignedShell> open_shell(ByteView der);

/// The inverse: wraps what was signed, its AlgorithmIdentifier (DER) and the signature.
Bytes close_shell(ByteView to_be_signed, ByteView algorithm, ByteView signature);

}  // namespace hubseal::x509
