#include "agent/auth/http_client.h"

#include <algorithm>
#include <istream>
#include <system_error>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/SocketImpl.h>
#include <Poco/Net/StreamSocket.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "common/bytes.h"
#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

using Poco::Net::Context;
using Poco::Net::HTTPRequest;

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr int kMaxHeaders = 100;

bool is_this_host(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

Result<std::string> read_body(std::istream& input, std::size_t max_bytes) {
  std::string body;
  char chunk[4096];
  while (input.good()) {
    input.read(chunk, sizeof chunk);
    body.append(chunk, static_cast<std::size_t>(input.gcount()));
    if (body.size() > max_bytes) return fail(Code::internal, fmt::format("more than {} bytes", max_bytes));
  }
  return body;
}

tl::unexpected<Error> late() { return fail(Code::internal, "not complete in time"); }

HTTPRequest make_request(const Poco::URI& uri, const std::string& method) {
  HTTPRequest request(method, uri.getPathAndQuery().empty() ? "/" : uri.getPathAndQuery(), "HTTP/1.1");
  request.setHost(uri.getHost(), uri.getPort());
  request.setKeepAlive(false);
  request.set("Accept", "application/json");
  return request;
}

}  // namespace

Result<Poco::URI> parse_provider_url(const std::string& url) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::bad_request, fmt::format("the URL \"{}\" {}", log::printable(url, 200), why));
  };
  if (url.size() > kMaxUrlBytes) return refuse("is too long");
  if (!std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
    return refuse("has bytes that stand in no URL; wanted them as %XX");
  try {
    Poco::URI uri(url);
    if (uri.getHost().empty() || !uri.getUserInfo().empty() || !uri.getFragment().empty())
      return refuse("has no host, or a user or a fragment; wanted https://HOST/PATH");
    if (uri.getScheme() == "https" || (uri.getScheme() == "http" && is_this_host(uri.getHost()))) return uri;
    return refuse("is not https; http is accepted for localhost and loopback addresses only");
  } catch (const Poco::Exception&) {
    return refuse("cannot be read");
  }
}

Wiped basic_authorization(std::string_view client_id, const SecretBytes& secret) {
  const Wiped encoded(percent_encoded({secret.c_str(), secret.size()}));
  const Wiped login = Wiped::joined({percent_encoded(client_id), ":", encoded.text()});
  const Wiped value(to_base64(as_bytes(login.text())));
  return Wiped::joined({"Basic ", value.text()});
}

Result<HttpClient> HttpClient::make(const std::filesystem::path& ca_file, std::chrono::seconds timeout) {
  try {
    Context::Params params;
    params.caLocation = ca_file.string();
    params.loadDefaultCAs = ca_file.empty();
    params.verificationMode = Context::VERIFY_STRICT;  // anything less leaves out the name where it is this host's
    Context::Ptr context(new Context(Context::TLS_CLIENT_USE, params));
    context->requireMinimumProtocol(Context::PROTO_TLSV1_2);
    return HttpClient(std::move(context), timeout);
  } catch (const Poco::Exception& problem) {
    return fail(Code::bad_request,
                fmt::format("the CAs to trust cannot be read from {}: {}", ca_file.string(), problem.displayText()));
  }
}

Result<std::string> HttpClient::get(const std::string& url, std::size_t max_bytes) const {
  return ask(url, {.method = "GET"}, max_bytes);
}

Result<std::string> HttpClient::post_form(const std::string& url, const std::string& form, const Wiped* authorization,
                                          std::size_t max_bytes) const {
  return ask(url,
             {.method = "POST",
              .body = form,
              .media_type = "application/x-www-form-urlencoded",
              .authorization = authorization},
             max_bytes);
}

Result<> HttpClient::put_json(const std::string& url, const std::string& json, const SecretHeader& secret,
                              std::size_t max_bytes) const {
  const Call call{.method = "PUT", .body = json, .media_type = "application/json", .secret = &secret};
  const Reply reply = TRY(exchange(url, call, max_bytes));
  if (reply.status / 100 == 2) return {};
  return fail(Code::internal, fmt::format("PUT {}: answered {}", log::printable(url, 200), reply.status));
}

Result<std::string> HttpClient::ask(const std::string& url, const Call& call, std::size_t max_bytes) const {
  Reply reply = TRY(exchange(url, call, max_bytes));
  if (reply.status / 100 == 4)
    return fail(Code::forbidden, fmt::format("the provider refused it: {}", log::printable(reply.body, 200)));
  return std::move(reply.body);
}

Result<HttpClient::Reply> HttpClient::exchange(const std::string& url, const Call& call, std::size_t max_bytes) const {
  const Poco::URI uri = TRY(parse_provider_url(url));
  const auto refuse = [&](const std::string& why) {
    return fail(Code::internal, fmt::format("{} {}: {}", call.method, log::printable(url, 200), why));
  };
  try {
    auto reply = talk(uri, call, max_bytes);
    if (reply) return reply;
    return refuse(reply.error().message);
  } catch (const Poco::Exception& problem) {
    return refuse(log::printable(problem.displayText(), 200));
  } catch (const std::system_error& problem) {
    return refuse(problem.what());
  }
}

Result<HttpClient::Reply> HttpClient::talk(const Poco::URI& uri, const Call& call, std::size_t max_bytes) const {
  if (call.until <= std::chrono::steady_clock::now()) return late();
  // The search for an address ends when the system gives up, and no sooner.
  const Poco::Net::SocketAddress address(uri.getHost(), uri.getPort());
  // Connected here and not by the session, so that it is under watch before anything is waited for.
  Poco::Net::StreamSocket socket(address.family());
  const auto now = std::chrono::steady_clock::now();
  const auto deadline = std::min(now + timeout_, call.until);
  if (deadline <= now) return late();
  const CallWatch::Call watched(*watch_, socket.impl()->sockfd(), deadline);
  try {
    socket.connect(address,
                   Poco::Timespan(std::chrono::duration_cast<std::chrono::microseconds>(deadline - now).count()));
    if (uri.getScheme() == "https") socket = Poco::Net::SecureStreamSocket::attach(socket, uri.getHost(), context_);
    Poco::Net::HTTPClientSession session(socket);
    HTTPRequest request = make_request(uri, call.method);
    if (call.authorization) request.set("Authorization", call.authorization->text());
    if (call.secret) request.set(call.secret->name, call.secret->value.c_str());
    if (!call.media_type.empty()) request.setContentType(call.media_type);
    if (call.method != "GET") request.setContentLength(static_cast<std::streamsize>(call.body.size()));
    session.sendRequest(request) << call.body;
    Poco::Net::HTTPResponse response;
    response.setFieldLimit(kMaxHeaders);
    std::string body = TRY(read_body(session.receiveResponse(response), max_bytes));
    if (watched.ended()) return late();
    const int status = response.getStatus();
    if (status / 100 != 2 && status / 100 != 4) return fail(Code::internal, fmt::format("answered {}", status));
    return Reply{status, std::move(body)};
  } catch (const Poco::Exception&) {
    if (!watched.ended()) throw;
    return late();
  }
}

}  // namespace hubseal::agent::auth
