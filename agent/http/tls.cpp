#include "agent/http/tls.h"

#include <Poco/Exception.h>
#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "common/files.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

using Poco::Net::Context;

constexpr char kSuites12[] =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-"
    "SHA256";
constexpr char kSuites13[] = "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256";
constexpr std::size_t kMaxKeyBytes = 64 * 1024;

using CrlPtr = std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>>;

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

Result<> load_files(SSL_CTX* context, const TlsFiles& files) {
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

/// No certificate is good whose issuer is not one of these, or that is on its list; neither is one whose issuer has no
/// list, or one that is too old.
Result<> trust(SSL_CTX* context, const ClientTrust& trust) {
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_PARTIAL_CHAIN);
  for (const ClientTrust::Authority& authority : trust.authorities) {
    const unsigned char* next = authority.certificate.data();
    const CertificatePtr certificate(d2i_X509(nullptr, &next, static_cast<long>(authority.certificate.size())));
    next = authority.crl.data();
    const CrlPtr crl(d2i_X509_CRL(nullptr, &next, static_cast<long>(authority.crl.size())));
    if (!certificate || !crl || X509_STORE_add_cert(store, certificate.get()) != 1 ||
        X509_STORE_add_crl(store, crl.get()) != 1 || SSL_CTX_add_client_CA(context, certificate.get()) != 1)
      return fail(Code::internal, "a CA for client certificates cannot be used: " + drain_openssl_errors());
  }
  return {};
}

int verify_mode(ClientCertificates clients) {
  switch (clients) {
    case ClientCertificates::none: return SSL_VERIFY_NONE;
    case ClientCertificates::optional: return SSL_VERIFY_PEER;
    case ClientCertificates::required: return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
}

/// For both contexts of a connection: some of it libssl takes from the one that it began with, and some, like the
/// suites, from the one that on_hello() put in its place.
Result<> restrict_to_pki_10(SSL_CTX* context) {
  if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 || SSL_CTX_set_cipher_list(context, kSuites12) != 1 ||
      SSL_CTX_set_ciphersuites(context, kSuites13) != 1)
    return fail(Code::internal, "the suites of PKI-10 are not available: " + drain_openssl_errors());
  // A session that is resumed is not verified again: its certificate could have been revoked since.
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  return {};
}

/// The context of the socket. What changes is not in it, but in the one that on_hello() puts in its place.
Result<Context::Ptr> make_context(ClientCertificates clients) {
  try {
    Context::Params params;
    params.verificationMode = Context::VERIFY_NONE;  // Poco's own way asks a global object; ours is below
    Context::Ptr context(new Context(Context::TLS_SERVER_USE, params));
    TRY(restrict_to_pki_10(context->sslContext()));
    SSL_CTX_set_verify(context->sslContext(), verify_mode(clients), nullptr);
    return context;
  } catch (const Poco::Exception& problem) {
    return fail(Code::bad_request, "TLS cannot be set up: " + problem.displayText());
  }
}

}  // namespace

Result<std::unique_ptr<Tls>> Tls::start(TlsFiles files, ClientCertificates clients, FetchTrust fetch) {
  std::unique_ptr<Tls> tls(new Tls(std::move(files), clients, std::move(fetch)));
  TRY(tls->open());
  return tls;
}

Tls::~Tls() {
  {
    auto state = state_.lock();
    state->stopping = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<> Tls::open() {
  context_ = TRY(make_context(clients_));
  if (const auto fetched = fetch_trust(); !fetched) complain(fetched.error().message);
  state_.lock()->current = TRY(load());
  SSL_CTX_set_client_hello_cb(context_->sslContext(), &Tls::on_hello, this);
  thread_ = std::thread([this] { run(); });
  return {};
}

int Tls::on_hello(SSL* connection, int* alert, void* self) {
  static_cast<Tls*>(self)->refused_.watch(connection);
  const auto current = static_cast<Tls*>(self)->state_.lock()->current;
  if (SSL_set_SSL_CTX(connection, current.get())) return SSL_CLIENT_HELLO_SUCCESS;
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_CLIENT_HELLO_ERROR;
}

Result<std::shared_ptr<SSL_CTX>> Tls::load() {
  SslContext context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Code::internal, "TLS cannot be set up: " + drain_openssl_errors());
  TRY(restrict_to_pki_10(context.get()));
  TRY(load_files(context.get(), files_));
  if (clients_ != ClientCertificates::none) TRY(trust(context.get(), trust_));
  return std::shared_ptr<SSL_CTX>(std::move(context));
}

Result<> Tls::fetch_trust() {
  if (clients_ != ClientCertificates::none) trust_ = TRY(fetch_());
  return {};
}

/// What cannot be renewed stays as it is. CRLs end by themselves: who does not get new ones soon lets nobody in.
void Tls::reload() {
  const auto fetched = fetch_trust();
  auto next = load();
  complain(!fetched ? fetched.error().message : !next ? next.error().message : "");
  if (!next) return;
  auto state = state_.lock();
  if (X509_cmp(SSL_CTX_get0_certificate(state->current.get()), SSL_CTX_get0_certificate(next->get())) != 0)
    log::info("the listener has a new TLS certificate");
  state->current = *std::move(next);
}

/// Once, and again when it is something else.
void Tls::complain(const std::string& problem) {
  if (!problem.empty() && problem != complaint_)
    log::error("the listener's TLS files, or the CAs of client certificates and their CRLs, cannot be renewed",
               {{"problem", problem}});
  complaint_ = problem;
}

void Tls::run() {
  auto state = state_.lock();
  while (!state.wait_until(changed_, std::chrono::steady_clock::now() + kReload, [&] { return state->stopping; })) {
    state.unlock();
    reload();
    state.relock();
  }
}

}  // namespace hubseal::agent::http
