/// DER (X.690), as far as signed objects need it by hand: whether bytes are DER at all, and the outer
/// shell around what is signed. What stands inside is taken apart by libcrypto.
#pragma once

#include <cstdint>
#include <initializer_list>

#include "common/bytes.h"
#include "common/result.h"

namespace hubseal::x509 {

/// libcrypto reads BER: lengths in several forms, TRUE as any byte, strings in pieces. This accepts
/// one value in the one form that DER has, nothing after it, at most 16 levels deep.
/// Errors: bad_request, naming the byte.
Result<> check_der(ByteView der);

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

/// tag, length, content.
Bytes der_value(std::uint8_t tag, std::initializer_list<ByteView> parts);

/// Takes the value at the front of `rest` off it, whole (tag and length included).
Result<ByteView> take_value(ByteView& rest);
/// The content of a value that has this tag.
Result<ByteView> content_of(ByteView value, std::uint8_t tag);

}  // namespace hubseal::x509
