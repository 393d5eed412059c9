#include "daemon/ca/assemble.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/der.h"

namespace hubseal::ca {
namespace {

constexpr std::pair<SignatureAlgorithm, int> kNids[] = {
    {SignatureAlgorithm::rsa_pkcs1_sha256, NID_sha256WithRSAEncryption},
    {SignatureAlgorithm::rsa_pkcs1_sha384, NID_sha384WithRSAEncryption},
    {SignatureAlgorithm::rsa_pkcs1_sha512, NID_sha512WithRSAEncryption},
    {SignatureAlgorithm::ecdsa_sha256, NID_ecdsa_with_SHA256},
    {SignatureAlgorithm::ecdsa_sha384, NID_ecdsa_with_SHA384},
    {SignatureAlgorithm::ecdsa_sha512, NID_ecdsa_with_SHA512},
};

tl::unexpected<Error> unreleasable(std::string_view what, std::string_view problem) {
  return fail(Code::internal, fmt::format("finished {} is not released: {}", what, problem));
}

/// `what` with its signature around it.
Result<Bytes> shell_of(ByteView to_be_signed, SignatureAlgorithm algorithm, ByteView signature) {
  const Bytes identifier = TRY(algorithm_identifier(algorithm));
  if (is_rsa(algorithm)) return x509::close_shell(to_be_signed, identifier, signature);
  const Bytes der_signature = TRY(ecdsa_raw_to_der(signature));
  return x509::close_shell(to_be_signed, identifier, der_signature);
}

/// `bits` is the content of a certificate's BIT STRING (ECDSA: DER).
bool verifies(ByteView message, SignatureAlgorithm algorithm, ByteView bits, EVP_PKEY* issuer) {
  const MdContextPtr context(EVP_MD_CTX_new());
  return context && issuer && EVP_DigestVerifyInit(context.get(), nullptr, hash_of(algorithm), nullptr, issuer) == 1 &&
         EVP_DigestVerify(context.get(), bits.data(), bits.size(), message.data(), message.size()) == 1;
}

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

}  // namespace

Result<Bytes> algorithm_identifier(SignatureAlgorithm algorithm) {
  for (const auto& [candidate, nid] : kNids) {
    if (candidate != algorithm) continue;
    const ASN1_OBJECT* type = OBJ_nid2obj(nid);
    const ByteView oid(OBJ_get0_data(type), OBJ_length(type));
    // RSA has the parameters NULL (RFC 4055 section 5), ECDSA has none at all (RFC 5758 section 3.2).
    static constexpr std::uint8_t kNull[] = {0x05, 0x00};
    return x509::der_value(0x30, {x509::der_value(0x06, {oid}), ByteView(kNull, is_rsa(algorithm) ? 2u : 0u)});
  }
  return fail(Code::internal, fmt::format("certificates are not signed with {}", to_string(algorithm)));
}

Result<SignatureAlgorithm> algorithm_of_tbs(ByteView tbs) {
  ByteView fields = TRY(x509::content_of(tbs, 0x30));
  TRY(x509::take_value(fields));  // version
  TRY(x509::take_value(fields));  // serialNumber
  const ByteView identifier = TRY(x509::take_value(fields));
  for (const auto& [algorithm, nid] : kNids) {
    const Bytes candidate = TRY(algorithm_identifier(algorithm));
    if (same(identifier, candidate)) return algorithm;
  }
  return fail(Code::bad_request, "a signature algorithm that is not ours inside a TBSCertificate");
}

Result<Bytes> close_certificate(ByteView tbs, SignatureAlgorithm algorithm, ByteView signature, EVP_PKEY* issuer) {
  constexpr std::string_view kWhat = "certificate";
  const auto inside = algorithm_of_tbs(tbs);
  if (!inside || *inside != algorithm)
    return unreleasable(kWhat, fmt::format("signed with {}, but it says {}", to_string(algorithm),
                                           inside ? to_string(*inside) : inside.error().message));
  Bytes der = TRY(shell_of(tbs, algorithm, signature));
  if (const auto strict = x509::check_der(der); !strict) return unreleasable(kWhat, strict.error().message);
  const auto shell = x509::open_shell(der);
  if (!shell) return unreleasable(kWhat, shell.error().message);
  if (!same(shell->to_be_signed, tbs)) return unreleasable(kWhat, "it holds other bytes than were signed");
  // What is verified is what stands in the finished bytes, not what went into them.
  if (!verifies(shell->to_be_signed, algorithm, shell->signature, issuer))
    return unreleasable(kWhat, "it is not signed by the issuer's key: " + drain_openssl_errors());
  return der;
}

Result<x509::Certificate> assemble_certificate(ByteView tbs, SignatureAlgorithm algorithm, ByteView signature,
                                               EVP_PKEY* issuer) {
  auto certificate = x509::Certificate::parse_der(TRY(close_certificate(tbs, algorithm, signature, issuer)));
  if (!certificate) return unreleasable("certificate", certificate.error().message);
  return certificate;
}

Result<x509::Csr> assemble_csr(ByteView info, SignatureAlgorithm algorithm, ByteView signature) {
  constexpr std::string_view kWhat = "CSR";
  const Bytes der = TRY(shell_of(info, algorithm, signature));
  auto csr = x509::Csr::parse_der(der);
  if (!csr) return unreleasable(kWhat, csr.error().message);
  if (!same(csr->info(), info)) return unreleasable(kWhat, "it holds other bytes than were signed");
  if (const auto verified = csr->verify_own_signature(); !verified)
    return unreleasable(kWhat, verified.error().message);
  return csr;
}

}  // namespace hubseal::ca
