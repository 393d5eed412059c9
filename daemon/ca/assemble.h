/// From signed bytes to the finished artefact, which is released only if it is exactly what was
/// prepared and its signature verifies.
#pragma once

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/result.h"
#include "common/x509/certificate.h"
#include "common/x509/csr.h"

namespace hubseal::ca {

/// DER AlgorithmIdentifier as certificates carry it (RFC 4055 section 5, RFC 5758 section 3.2).
/// Errors: internal for RSA-PSS, which no certificate here is signed with.
Result<Bytes> algorithm_identifier(SignatureAlgorithm algorithm);

/// The algorithm that a DER TBSCertificate says it will be signed with.
Result<SignatureAlgorithm> algorithm_of_tbs(ByteView tbs);

/// `signature` is what hsm::Signer::sign gave (ECDSA: r || s); `issuer` the key it must verify with.
/// Errors: internal (the bytes are not a certificate, the algorithm inside differs, the signature
/// does not verify): nothing may be released then.
Result<Bytes> close_certificate(ByteView tbs, SignatureAlgorithm algorithm, ByteView signature, EVP_PKEY* issuer);

/// The same, decoded as well. Who issues needs only the bytes: lint has decoded this very
/// TBSCertificate, and libcrypto takes longer to decode a key than to verify with it.
Result<x509::Certificate> assemble_certificate(ByteView tbs, SignatureAlgorithm algorithm, ByteView signature,
                                               EVP_PKEY* issuer);

/// The same for a CSR, whose key stands in itself.
Result<x509::Csr> assemble_csr(ByteView info, SignatureAlgorithm algorithm, ByteView signature);

}  // namespace hubseal::ca
