#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "agent/http/tls.h"
#include "common/result.h"

namespace hubseal::agent::http {

class Pipeline;

struct ServerConfig {
  std::string address;  ///< an IP address
  std::uint16_t port = 0;
  int max_connections = 128;
  std::chrono::seconds request_timeout{10};
  std::chrono::seconds keep_alive_timeout{15};
  std::optional<std::filesystem::path> tls_certificate;  ///< with tls_private_key; absent: plain HTTP
  std::optional<std::filesystem::path> tls_private_key;
  ClientCertificates client_certificates = ClientCertificates::none;
};

/// Whether `address` is in 127.0.0.0/8 or ::1.
bool is_loopback(const std::string& address);

/// The listener and the threads that serve its connections.
/// Owns: the socket, one thread per connection up to the cap; as many again wait, more are closed.
class Server {
 public:
  /// Listens when this returns. `pipeline` must outlive the server. `fetch` is asked where there are client
  /// certificates to judge.
  static Result<std::unique_ptr<Server>> start(const ServerConfig& config, const Pipeline& pipeline,
                                               const Tls::FetchTrust& fetch);
  ~Server();

  /// "https://127.0.0.1:3001", with the port that was really taken.
  const std::string& url() const { return url_; }
  /// Connections.
  struct Load {
    int open = 0;
    int waiting = 0;  ///< for a thread
    int max = 0;
    int served = 0;   ///< since the start
    int refused = 0;  ///< likewise: more came than may wait
  };
  Load load() const;
  /// Accepts nothing more and lets requests in progress finish, for at most `limit`.
  void drain(std::chrono::seconds limit);

 private:
  struct Parts;
  Server(std::unique_ptr<Parts> parts, std::string url);

  std::unique_ptr<Parts> parts_;
  const std::string url_;
};

}  // namespace hubseal::agent::http
