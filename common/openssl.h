/// Owners for libcrypto's handles, and its error queue in words.
#pragma once

#include <memory>
#include <string>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace hubseal {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const noexcept {
    Free(handle);
  }
};

using BioPtr = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using BignumPtr = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using CertificatePtr = std::unique_ptr<X509, Deleter<X509_free>>;
using CsrPtr = std::unique_ptr<X509_REQ, Deleter<X509_REQ_free>>;
using EcdsaSigPtr = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Deleter<GENERAL_NAMES_free>>;
using MdContextPtr = std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>>;
using NamePtr = std::unique_ptr<X509_NAME, Deleter<X509_NAME_free>>;
using PkeyContextPtr = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

/// Empties this thread's OpenSSL error queue and returns it as text. The return code of a call
/// decides; the queue only explains.
std::string drain_openssl_errors();

/// A context that knows no algorithms, for ASN1_item_d2i_ex. Reading a certificate or a CSR decodes its
/// key as well, which takes ten times as long as everything else; here the attempt ends at once. Any
/// thread; lives as long as the process.
OSSL_LIB_CTX* context_without_algorithms();

}  // namespace hubseal
