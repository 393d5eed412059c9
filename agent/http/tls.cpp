#include "agent/http/tls.h"

#include <Poco/Exception.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/files.h"
#include "common/openssl.h"

namespace hubseal::agent::http {
namespace {

using Poco::Net::Context;

constexpr char kSuites12[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-"
    "SHA256";
constexpr char kSuites13[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr std::size_t kMaxKeyBytes = 64 * 1024;

Result<PkeyPtr> read_key(const std::filesystem::path& path) {
  const SecretBytes pem = TRY(read_secret_file(path, kMaxKeyBytes));
  const BioPtr input(BIO_new_mem_buf(pem.bytes().data(), static_cast<int>(pem.size())));
  // An encrypted key must not make the service ask a terminal for its passphrase.
  const auto no_passphrase = [](char*, int, int, void*) { return -1; };
  PkeyPtr key(PEM_read_bio_PrivateKey(input.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return fail(Code::bad_request, fmt::format("{} holds no usable private key (PEM, not encrypted): {}", path.string(),
                                               drain_openssl_errors()));
  return key;
}

Result<> load(SSL_CTX* context, const TlsFiles& files) {
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate.c_str()) != 1)
    return fail(Code::bad_request, fmt::format("{} cannot be used as the server's certificate: {}",
                                               files.certificate.string(), drain_openssl_errors()));
  const PkeyPtr key = TRY(read_key(files.private_key));
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1)
    return fail(Code::bad_request,
                fmt::format("{} does not belong to the certificate {}: {}", files.private_key.string(),
                            files.certificate.string(), drain_openssl_errors()));
  return {};
}

}  // namespace

Result<Context::Ptr> make_tls_context(const TlsFiles& files) {
  try {
    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE;  // of clients; participants' certificates are not asked for
    params.cipherList = kSuites12;
    Context::Ptr context(new Context(Context::TLS_SERVER_USE, params));
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    context->preferServerCiphers();
    SSL_CTX* raw = context->sslContext();
    if (SSL_CTX_set_ciphersuites(raw, kSuites13) != 1)
      return fail(Code::internal, "TLS 1.3 suites are not available: " + drain_openssl_errors());
    SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    TRY(load(raw, files));
    return context;
  } catch (const Poco::Exception& problem) {
    return fail(Code::bad_request, "TLS cannot be set up: " + problem.displayText());
  }
}

}  // namespace hubseal::agent::http
