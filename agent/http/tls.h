#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <Poco/Net/Context.h>

#include "agent/http/refused_clients.h"
#include "common/bytes.h"
#include "common/guarded.h"
#include "common/openssl.h"
#include "common/result.h"

namespace hubseal::agent::http {

struct TlsFiles {
  std::filesystem::path certificate;  ///< PEM: the server's certificate, then intermediates
  std::filesystem::path private_key;  ///< PEM, not encrypted, mode 0600
};

/// Whether clients must show a certificate of the hub. One that is shown must be good.
enum class ClientCertificates { none, optional, required };

/// Whose client certificates are good, DER: of each CA the certificate and the newest list of revoked ones.
struct ClientTrust {
  struct Authority {
    Bytes certificate, crl;
  };
  std::vector<Authority> authorities;
};

/// TLS 1.2 or later, ECDHE with AES-GCM (PKI-10). What the listener shows and whom it believes is looked up anew from
/// time to time, without a restart: connections that begin get the newest. Owns: a thread. Threads: share it freely.
class Tls {
 public:
  using FetchTrust = std::function<Result<ClientTrust>()>;
  static constexpr std::chrono::seconds kReload{10};

  /// Where `clients` is none, nothing is fetched. While nothing could be, no client certificate is good.
  /// Errors: bad_request, not_found: what is wrong with which file.
  static Result<std::unique_ptr<Tls>> start(TlsFiles files, ClientCertificates clients, FetchTrust fetch);
  ~Tls();

  /// For the socket. Must not outlive this.
  const Poco::Net::Context::Ptr& context() const { return context_; }

 private:
  using SslContext = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
  struct State {
    std::shared_ptr<SSL_CTX> current;  ///< certificate, key and trust for connections that begin
    bool stopping = false;
  };

  Tls(TlsFiles files, ClientCertificates clients, FetchTrust fetch)
      : files_(std::move(files)), clients_(clients), fetch_(std::move(fetch)) {}

  Result<> open();
  Result<std::shared_ptr<SSL_CTX>> load();
  Result<> fetch_trust();
  void reload();
  void complain(const std::string& problem);
  void run();
  static int on_hello(SSL* connection, int* alert, void* self);

  const TlsFiles files_;
  const ClientCertificates clients_;
  const FetchTrust fetch_;
  RefusedClients refused_;
  Poco::Net::Context::Ptr context_;
  ClientTrust trust_;      // of the thread alone, once it runs
  std::string complaint_;  // likewise: what was logged last
  std::condition_variable changed_;
  Guarded<State> state_;
  std::thread thread_;
};

}  // namespace hubseal::agent::http
