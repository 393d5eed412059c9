#include "common/x509/csr.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/x509/der.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"
#include "common/x509/signature_algorithm.h"

namespace hubseal::x509 {
namespace {

using ExtensionsPtr =
    std::unique_ptr<X509_EXTENSIONS,
                    decltype([](X509_EXTENSIONS* list) { sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free); })>;

tl::unexpected<Error> not_a_csr(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not a certification request (PKCS#10): {}", problem));
}

/// Every extension that is asked for, in the PKCS#9 attribute or in Microsoft's. libcrypto's own
/// X509_REQ_get_extensions stops at the first attribute it likes; two attributes are refused here.
Result<ExtensionsPtr> extensions_of(const X509_REQ* csr) {
  ExtensionsPtr extensions;
  for (int i = 0; i < X509_REQ_get_attr_count(csr); ++i) {
    X509_ATTRIBUTE* attribute = X509_REQ_get_attr(csr, i);
    const int nid = OBJ_obj2nid(X509_ATTRIBUTE_get0_object(attribute));
    if (nid != NID_ext_req && nid != NID_ms_ext_req) continue;
    if (extensions) return not_a_csr("more than one extensionRequest attribute");
    const ASN1_TYPE* value = X509_ATTRIBUTE_get0_type(attribute, 0);
    if (X509_ATTRIBUTE_count(attribute) != 1 || !value || value->type != V_ASN1_SEQUENCE)
      return not_a_csr("extensionRequest is not one list of extensions");
    const unsigned char* begin = value->value.sequence->data;
    const unsigned char* next = begin;
    const long size = value->value.sequence->length;
    extensions.reset(
        reinterpret_cast<X509_EXTENSIONS*>(ASN1_item_d2i(nullptr, &next, size, ASN1_ITEM_rptr(X509_EXTENSIONS))));
    if (!extensions || next != begin + size)
      return not_a_csr("extensionRequest does not decode: " + drain_openssl_errors());
  }
  return extensions;
}

/// The decoded value of the one extension with this number; null when it is not asked for.
template <class Handle>
Result<Handle> decoded(const X509_EXTENSIONS* extensions, int nid) {
  Handle result;
  for (int i = 0; extensions && i < sk_X509_EXTENSION_num(extensions); ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(extensions, i);
    if (OBJ_obj2nid(X509_EXTENSION_get_object(extension)) != nid) continue;
    if (result) return not_a_csr(fmt::format("it asks for {} twice", OBJ_nid2sn(nid)));
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    // X509V3_EXT_d2i does not mind bytes after the value.
    TRY(check_der({value->data, static_cast<std::size_t>(value->length)}));
    result.reset(static_cast<typename Handle::pointer>(X509V3_EXT_d2i(extension)));
    if (!result) return not_a_csr(fmt::format("{} does not decode: {}", OBJ_nid2sn(nid), drain_openssl_errors()));
  }
  return result;
}

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

std::string extension_name(const ASN1_OBJECT* type) {
  const int nid = OBJ_obj2nid(type);
  if (nid != NID_undef) return OBJ_nid2sn(nid);
  char oid[128] = "";
  OBJ_obj2txt(oid, sizeof oid, type, 1);
  return oid;
}

}  // namespace

Result<Csr> Csr::parse(std::string_view pem) {
  return parse_der(TRY(der_of_pem(pem, {"CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"})));
}

Result<Csr> Csr::parse_der(ByteView der) {
  if (der.size() > kMaxPemBytes)
    return fail(Code::too_large, fmt::format("CSR of {} bytes; at most {} are accepted", der.size(), kMaxPemBytes));
  TRY(check_der(der));
  Csr csr;
  const unsigned char* next = der.data();
  csr.csr_.reset(
      reinterpret_cast<X509_REQ*>(ASN1_item_d2i_ex(nullptr, &next, static_cast<long>(der.size()),
                                                   ASN1_ITEM_rptr(X509_REQ), context_without_algorithms(), nullptr)),
      X509_REQ_free);
  if (!csr.csr_ || next != der.data() + der.size()) return not_a_csr(drain_openssl_errors());
  if (X509_REQ_get_version(csr.csr_.get()) != X509_REQ_VERSION_1) return not_a_csr("its version is not 1");

  csr.der_.assign(der.begin(), der.end());
  const SignedShell shell = TRY(open_shell(csr.der_));
  // Encoded anew it must be the same bytes: sets in order, defaults left out.
  unsigned char* encoded = nullptr;
  const int size = i2d_re_X509_REQ_tbs(csr.csr_.get(), &encoded);
  const bool unchanged = size > 0 && same(shell.to_be_signed, {encoded, static_cast<std::size_t>(size)});
  OPENSSL_free(encoded);
  if (!unchanged) return not_a_csr("not encoded as DER prescribes");

  // version, subject, subjectPKInfo: the key's bytes as they were sent, not as they would be re-encoded.
  ByteView fields = TRY(content_of(shell.to_be_signed, 0x30));
  for (int skipped = 0; skipped < 2; ++skipped) TRY(take_value(fields));
  const ByteView spki = TRY(take_value(fields));
  csr.spki_.assign(spki.begin(), spki.end());
  csr.key_id_ = sha256(csr.spki_);
  auto key = public_key_from_spki(csr.spki_);
  if (!key) return not_a_csr("its public key is " + key.error().message);
  csr.key_ = *std::move(key);
  return csr;
}

Result<> Csr::verify_own_signature() const {
  const X509_ALGOR* algorithm = nullptr;
  X509_REQ_get0_signature(csr_.get(), nullptr, &algorithm);
  if (!is_sound_signature(algorithm))
    return fail(Code::bad_request,
                fmt::format("CSR is signed with {}; wanted RSA or ECDSA with SHA-256, SHA-384 or SHA-512",
                            OBJ_nid2ln(X509_REQ_get_signature_nid(csr_.get()))));
  if (X509_REQ_verify(csr_.get(), key_.get()) == 1) return {};
  drain_openssl_errors();  // "EVP lib" helps nobody
  return fail(
      Code::bad_request,
      "CSR is signed by another key, or was changed since (no proof of possession); wanted a signature that its "
      "own public key verifies");
}

Result<DistinguishedName> Csr::subject() const {
  return DistinguishedName::parse(X509_REQ_get_subject_name(csr_.get()));
}

Result<SubjectAltNames> Csr::names() const {
  const ExtensionsPtr extensions = TRY(extensions_of(csr_.get()));
  const auto names = TRY(decoded<GeneralNamesPtr>(extensions.get(), NID_subject_alt_name));
  return names ? SubjectAltNames::parse(names.get()) : SubjectAltNames();
}

Result<std::vector<RequestedExtension>> Csr::requested_extensions() const {
  const ExtensionsPtr extensions = TRY(extensions_of(csr_.get()));
  std::vector<RequestedExtension> result;
  for (int i = 0; extensions && i < sk_X509_EXTENSION_num(extensions.get()); ++i) {
    X509_EXTENSION* extension = sk_X509_EXTENSION_value(extensions.get(), i);
    const ASN1_OBJECT* type = X509_EXTENSION_get_object(extension);
    result.push_back({OBJ_obj2nid(type), extension_name(type), X509_EXTENSION_get_critical(extension) == 1});
  }
  return result;
}

Result<bool> Csr::asks_for_ca() const {
  using BasicConstraintsPtr = std::unique_ptr<BASIC_CONSTRAINTS, Deleter<BASIC_CONSTRAINTS_free>>;
  const ExtensionsPtr extensions = TRY(extensions_of(csr_.get()));
  const auto constraints = TRY(decoded<BasicConstraintsPtr>(extensions.get(), NID_basic_constraints));
  return constraints && constraints->ca != 0;
}

ByteView Csr::info() const { return open_shell(der_)->to_be_signed; }

std::string Csr::to_pem() const { return pem_of_der(der_, "CERTIFICATE REQUEST"); }

}  // namespace hubseal::x509
