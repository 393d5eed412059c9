#include "agent/auth/http_client.h"

#include <istream>
#include <memory>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "common/log.h"

namespace hubseal::agent::auth {
namespace {

using Poco::Net::Context;
using Poco::Net::HTTPRequest;
using std::chrono::steady_clock;

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr int kMaxHeaders = 100;

bool is_this_host(const std::string& host) {
  return host == "localhost" || host == "::1" || host == "[::1]" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

Result<std::string> read_body(std::istream& input, std::size_t max_bytes, steady_clock::time_point deadline) {
  std::string body;
  char chunk[4096];
  while (input.good()) {
    input.read(chunk, sizeof chunk);
    body.append(chunk, static_cast<std::size_t>(input.gcount()));
    if (body.size() > max_bytes) return fail(Code::internal, fmt::format("more than {} bytes", max_bytes));
    if (steady_clock::now() > deadline) return fail(Code::internal, "not complete in time");
  }
  return body;
}

}  // namespace

struct HttpClient::Call {
  std::string method;
  std::string body = {};
  std::string authorization = {};
  std::string content_type = "application/x-www-form-urlencoded";
  const SecretHeader* secret = nullptr;
};

Result<Poco::URI> parse_provider_url(const std::string& url) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::bad_request, fmt::format("the URL \"{}\" {}", log::printable(url, 200), why));
  };
  if (url.size() > kMaxUrlBytes) return refuse("is too long");
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

Result<std::string> HttpClient::post_form(const std::string& url, const std::string& form,
                                          const std::string& authorization, std::size_t max_bytes) const {
  return ask(url, {.method = "POST", .body = form, .authorization = authorization}, max_bytes);
}

Result<> HttpClient::put_json(const std::string& url, const std::string& json, const SecretHeader& secret,
                              std::size_t max_bytes) const {
  TRY(ask(url, {.method = "PUT", .body = json, .content_type = "application/json", .secret = &secret}, max_bytes));
  return {};
}

Result<std::string> HttpClient::ask(const std::string& url, const Call& call, std::size_t max_bytes) const {
  const Poco::URI uri = TRY(parse_provider_url(url));
  const auto refuse = [&](std::string_view why) {
    return fail(Code::internal, fmt::format("{} {}: {}", call.method, log::printable(url, 200), why));
  };
  try {
    std::unique_ptr<Poco::Net::HTTPClientSession> session;
    if (uri.getScheme() == "https")
      session = std::make_unique<Poco::Net::HTTPSClientSession>(uri.getHost(), uri.getPort(), context_);
    else
      session = std::make_unique<Poco::Net::HTTPClientSession>(uri.getHost(), uri.getPort());
    session->setTimeout(Poco::Timespan(static_cast<long>(timeout_.count()), 0));
    const auto deadline = steady_clock::now() + timeout_;
    HTTPRequest request(call.method, uri.getPathAndQuery().empty() ? "/" : uri.getPathAndQuery(), "HTTP/1.1");
    request.set("Accept", "application/json");
    if (!call.authorization.empty()) request.set("Authorization", call.authorization);
    if (call.secret) request.set(call.secret->name, call.secret->value.c_str());
    if (call.method != "GET") {
      request.setContentType(call.content_type);
      request.setContentLength(static_cast<std::streamsize>(call.body.size()));
    }
    session->sendRequest(request) << call.body;
    Poco::Net::HTTPResponse response;
    response.setFieldLimit(kMaxHeaders);
    std::istream& input = session->receiveResponse(response);
    const int status = response.getStatus();
    auto body = read_body(input, max_bytes, deadline);
    if (!body) return refuse(body.error().message);
    if (status / 100 == 4 && !call.secret)
      return fail(Code::forbidden, fmt::format("the provider refused it: {}", log::printable(*body, 200)));
    if (status / 100 != 2) return refuse(fmt::format("answered {}", status));
    return body;
  } catch (const Poco::Exception& problem) {
    return refuse(log::printable(problem.displayText(), 200));
  }
}

}  // namespace hubseal::agent::auth
