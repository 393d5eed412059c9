#include "agent/http/refused_clients.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

#include <string>
#include <utility>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent::http {
namespace {

std::string peer_of(const SSL* connection) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  char text[INET6_ADDRSTRLEN] = {};
  if (::getpeername(SSL_get_fd(connection), reinterpret_cast<sockaddr*>(&address), &size) != 0) return "gone";
  if (address.ss_family == AF_INET) {
    const auto* v4 = reinterpret_cast<const sockaddr_in*>(&address);
    ::inet_ntop(AF_INET, &v4->sin_addr, text, sizeof text);
    return fmt::format("{}:{}", text, ntohs(v4->sin_port));
  }
  const auto* v6 = reinterpret_cast<const sockaddr_in6*>(&address);
  ::inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof text);
  return fmt::format("[{}]:{}", text, ntohs(v6->sin6_port));
}

/// `alert`: as it is sent to the client.
std::string reason_of(const SSL* connection, int alert) {
  if (const long verdict = SSL_get_verify_result(connection); verdict != X509_V_OK)
    return X509_verify_cert_error_string(verdict);
  if (SSL_get_state(connection) != TLS_ST_SR_CERT) return "it does not prove that it has the key";
  const int kind = alert & 0xff;
  if (kind == SSL_AD_CERTIFICATE_REQUIRED || kind == SSL_AD_HANDSHAKE_FAILURE) return "it shows none";  // TLS 1.3, 1.2
  return SSL_alert_desc_string_long(alert);
}

}  // namespace

void RefusedClients::watch(SSL* connection) {
  SSL_set_app_data(connection, this);
  SSL_set_info_callback(connection, &RefusedClients::on_alert);
}

// The handshake ends where the server says why, and it was reading the client's certificate, or what is signed with its
// key. Scanners that never come so far are no clients.
void RefusedClients::on_alert(const SSL* connection, int where, int alert) {
  constexpr int kFatal = 2;
  if (where != SSL_CB_WRITE_ALERT || alert >> 8 != kFatal) return;
  const auto state = SSL_get_state(connection);
  if (state != TLS_ST_SR_CERT && state != TLS_ST_SR_CERT_VRFY) return;
  static_cast<RefusedClients*>(SSL_get_app_data(connection))->tell(connection, alert);
}

void RefusedClients::tell(const SSL* connection, int alert) {
  const Turn turn = take(std::chrono::steady_clock::now());
  if (!turn.line) return;
  log::warning("a client was refused for its certificate", {{"peer", peer_of(connection)},
                                                            {"reason", reason_of(connection, alert)},
                                                            {"lines_left_out_before", std::to_string(turn.left_out)}});
}

RefusedClients::Turn RefusedClients::take(std::chrono::steady_clock::time_point now) {
  auto minute = minute_.lock();
  if (now - minute->since >= std::chrono::minutes(1)) {
    minute->since = now;
    minute->lines = 0;
  }
  if (minute->lines == kLinesPerMinute) {
    ++minute->left_out;
    return {.line = false, .left_out = 0};
  }
  ++minute->lines;
  return {.line = true, .left_out = std::exchange(minute->left_out, 0)};
}

}  // namespace hubseal::agent::http
