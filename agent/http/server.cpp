#include "agent/http/server.h"

#include <arpa/inet.h>

#include <Poco/Net/HTTPServerParams.h>
#include <Poco/Net/SecureServerSocket.h>
#include <Poco/Net/ServerSocket.h>
#include <Poco/Net/TCPServer.h>
#include <Poco/Net/TCPServerConnectionFactory.h>
#include <Poco/ThreadPool.h>
#include <fmt/format.h>

#include "agent/http/connection.h"
#include "agent/http/tls.h"
#include "agent/http/watch.h"

namespace hubseal::agent::http {
namespace {

using Poco::Net::HTTPServerParams;

constexpr int kBacklog = 256;
constexpr std::chrono::seconds kSocketGrace{5};
constexpr int kStackBytes = 512 * 1024;
// The pool counts a thread as busy a moment longer than the server does.
constexpr int kSpareThreads = 16;

class Connections final : public Poco::Net::TCPServerConnectionFactory {
 public:
  Connections(HTTPServerParams::Ptr params, const Pipeline& pipeline, Watch& watch, bool secure)
      : params_(std::move(params)), pipeline_(pipeline), watch_(watch), secure_(secure) {}

  Poco::Net::TCPServerConnection* createConnection(const Poco::Net::StreamSocket& socket) override {
    return new Connection(socket, params_, pipeline_, watch_, secure_);
  }

 private:
  HTTPServerParams::Ptr params_;
  const Pipeline& pipeline_;
  Watch& watch_;
  const bool secure_;
};

HTTPServerParams::Ptr server_params(const ServerConfig& config) {
  HTTPServerParams::Ptr params = new HTTPServerParams;
  params->setMaxThreads(config.max_connections);
  params->setMaxQueued(config.max_connections);
  // The watch decides when a request takes too long, and can still say so; the socket's own timeout
  // would end the connection without a word.
  const auto socket_timeout = config.request_timeout + kSocketGrace;
  params->setTimeout(Poco::Timespan(static_cast<long>(socket_timeout.count()), 0));
  params->setKeepAliveTimeout(Poco::Timespan(static_cast<long>(config.keep_alive_timeout.count()), 0));
  return params;
}

Result<std::unique_ptr<Tls>> make_tls(const ServerConfig& config, const Tls::FetchTrust& fetch) {
  if (!config.tls_certificate) return nullptr;
  return Tls::start({*config.tls_certificate, config.tls_private_key.value_or("")}, config.client_certificates, fetch);
}

Poco::Net::ServerSocket listen_on(const ServerConfig& config, const Tls* tls) {
  const Poco::Net::SocketAddress address(config.address, config.port);
  Poco::Net::ServerSocket socket;
  if (tls) socket = Poco::Net::SecureServerSocket(tls->context());
  // Reuse the address, never the port: with SO_REUSEPORT a second agent would silently share it.
  socket.bind(address, true, false);
  socket.listen(kBacklog);
  return socket;
}

}  // namespace

struct Server::Parts {
  Parts(const ServerConfig& config, const Pipeline& pipeline, std::unique_ptr<Tls> secured)
      : tls(std::move(secured)),
        watch({config.keep_alive_timeout, config.request_timeout}, static_cast<std::size_t>(config.max_connections)),
        pool(2, config.max_connections + kSpareThreads, 60, kStackBytes),
        params(server_params(config)),
        tcp(new Connections(params, pipeline, watch, config.tls_certificate.has_value()), pool,
            listen_on(config, tls.get()), params) {}

  std::unique_ptr<Tls> tls;
  Watch watch;
  Poco::ThreadPool pool;
  HTTPServerParams::Ptr params;
  Poco::Net::TCPServer tcp;
};

bool is_loopback(const std::string& address) {
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return (ntohl(v4.s_addr) >> 24) == 127;
  in6_addr v6{};
  return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

Result<std::unique_ptr<Server>> Server::start(const ServerConfig& config, const Pipeline& pipeline,
                                              const Tls::FetchTrust& fetch) {
  const std::string where = fmt::format("{} port {}", config.address, config.port);
  try {
    auto parts = std::make_unique<Parts>(config, pipeline, TRY(make_tls(config, fetch)));
    parts->tcp.start();
    const std::string host =
        config.address.find(':') == std::string::npos ? config.address : "[" + config.address + "]";
    std::string url = fmt::format("{}://{}:{}", config.tls_certificate ? "https" : "http", host, parts->tcp.port());
    return std::unique_ptr<Server>(new Server(std::move(parts), std::move(url)));
  } catch (const Poco::Exception& problem) {
    return fail(Code::bad_request, fmt::format("cannot listen on {}: {}", where, problem.displayText()));
  }
}

Server::Server(std::unique_ptr<Parts> parts, std::string url) : parts_(std::move(parts)), url_(std::move(url)) {}

Server::~Server() { drain(std::chrono::seconds(0)); }

Server::Load Server::load() const {
  const Poco::Net::TCPServer& tcp = parts_->tcp;
  return {.open = tcp.currentConnections(),
          .waiting = tcp.queuedConnections(),
          .max = parts_->params->getMaxThreads(),
          .served = tcp.totalConnections(),
          .refused = tcp.refusedConnections()};
}

void Server::drain(std::chrono::seconds limit) {
  parts_->tcp.stop();
  parts_->watch.drain(limit);
  parts_->pool.joinAll();
}

}  // namespace hubseal::agent::http
