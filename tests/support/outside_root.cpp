#include "tests/support/outside_root.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "common/x509/public_key.h"
#include "tests/support/must.h"

namespace hubseal::test {
namespace {

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

std::string pem_of(X509* certificate) {
  const BioPtr out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

void add_entry(X509_NAME* name, const char* field, const char* value) {
  X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC, reinterpret_cast<const unsigned char*>(value), -1, -1, 0);
}

void set_subject(X509* certificate, const std::string& csr) {
  if (csr.empty()) {
    X509_NAME* name = X509_get_subject_name(certificate);
    add_entry(name, "C", "KE");
    add_entry(name, "O", "Example Hub");
    add_entry(name, "CN", "Imported CA");
    return;
  }
  const BioPtr in(BIO_new_mem_buf(csr.data(), static_cast<int>(csr.size())));
  const std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>> request(
      PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
  X509_set_subject_name(certificate, X509_REQ_get_subject_name(request.get()));
}

void extend(X509* certificate, X509* issuer, const char* path_len) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  for (const auto& [nid, value] :
       {std::pair(NID_basic_constraints, path_len), std::pair(NID_key_usage, "critical,keyCertSign,cRLSign"),
        std::pair(NID_subject_key_identifier, "hash"), std::pair(NID_authority_key_identifier, "keyid")}) {
    const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, nid, value));
    if (extension) X509_add_ext(certificate, extension.get(), -1);
  }
}

CertificatePtr begin(EVP_PKEY* key, long serial) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600L * 24 * 1000);
  X509_set_pubkey(certificate.get(), key);
  return certificate;
}

}  // namespace

OutsideRoot::OutsideRoot() : key_(EVP_EC_gen("P-256")), certificate_(begin(key_.get(), 1)) {
  add_entry(X509_get_subject_name(certificate_.get()), "CN", "National Root");
  X509_set_issuer_name(certificate_.get(), X509_get_subject_name(certificate_.get()));
  extend(certificate_.get(), certificate_.get(), "critical,CA:TRUE");
  X509_sign(certificate_.get(), key_.get(), EVP_sha256());
}

std::string OutsideRoot::pem() const { return pem_of(certificate_.get()); }

std::string OutsideRoot::certify(ByteView spki, const std::string& csr) const {
  const PkeyPtr key = must(x509::public_key_from_spki(spki));
  const CertificatePtr certificate = begin(key.get(), 2);
  set_subject(certificate.get(), csr);
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(certificate_.get()));
  extend(certificate.get(), certificate_.get(), "critical,CA:TRUE,pathlen:0");
  X509_sign(certificate.get(), key_.get(), EVP_sha256());
  return pem_of(certificate.get());
}

}  // namespace hubseal::test
