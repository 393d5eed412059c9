#include "agent/auth/http_client.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <atomic>
#include <cctype>
#include <condition_variable>
#include <istream>
#include <memory>
#include <thread>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Net/HTTPSClientSession.h>
#include <Poco/Net/SocketImpl.h>
#include <fmt/format.h>
#include <openssl/ssl.h>

#include "common/guarded.h"
#include "common/log.h"
#include "common/unique_fd.h"

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

/// Ends a conversation at its deadline, whatever it waits for: a socket's own timeout starts anew with every byte.
/// Owns: a thread for as long as the conversation lasts, and a second descriptor of its socket, so that it never
/// touches a number that the session has closed and somebody else was given.
class Deadline {
 public:
  Deadline(int fd, steady_clock::time_point until)
      : fd_(::fcntl(fd, F_DUPFD_CLOEXEC, 0)), thread_([this, until] { watch(until); }) {}
  ~Deadline() {
    *over_.lock() = true;
    changed_.notify_all();
    thread_.join();
  }
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  bool passed() const { return passed_; }

 private:
  void watch(steady_clock::time_point until) {
    auto over = over_.lock();
    if (over.wait_until(changed_, until, [&] { return *over; })) return;
    passed_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);
  }

  const UniqueFd fd_;
  Guarded<bool> over_{false};
  std::condition_variable changed_;
  std::atomic<bool> passed_ = false;
  std::thread thread_;
};

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

}  // namespace

std::string url_escaped(std::string_view text) {
  std::string safe;
  for (const char c : text)
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~')
      safe += c;
    else
      safe += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return safe;
}

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
  const auto refuse = [&](std::string_view why) {
    return fail(Code::internal, fmt::format("{} {}: {}", call.method, log::printable(url, 200), why));
  };
  std::unique_ptr<Poco::Net::HTTPClientSession> session;
  std::unique_ptr<Deadline> deadline;
  try {
    if (uri.getScheme() == "https")
      session = std::make_unique<Poco::Net::HTTPSClientSession>(uri.getHost(), uri.getPort(), context_);
    else
      session = std::make_unique<Poco::Net::HTTPClientSession>(uri.getHost(), uri.getPort());
    session->setTimeout(Poco::Timespan(static_cast<long>(timeout_.count()), 0));
    HTTPRequest request(call.method, uri.getPathAndQuery().empty() ? "/" : uri.getPathAndQuery(), "HTTP/1.1");
    request.set("Accept", "application/json");
    if (!call.authorization.empty()) request.set("Authorization", call.authorization);
    if (!call.media_type.empty()) request.setContentType(call.media_type);
    if (call.secret) request.set(call.secret->name, call.secret->value.c_str());
    if (call.method != "GET") request.setContentLength(static_cast<std::streamsize>(call.body.size()));
    std::ostream& output = session->sendRequest(request);
    deadline = std::make_unique<Deadline>(session->socket().impl()->sockfd(), steady_clock::now() + timeout_);
    output << call.body;
    Poco::Net::HTTPResponse response;
    response.setFieldLimit(kMaxHeaders);
    std::istream& input = session->receiveResponse(response);
    auto body = read_body(input, max_bytes);
    if (deadline->passed()) return refuse("not complete in time");
    if (!body) return refuse(body.error().message);
    const int status = response.getStatus();
    if (status / 100 != 2 && status / 100 != 4) return refuse(fmt::format("answered {}", status));
    return Reply{status, *std::move(body)};
  } catch (const Poco::Exception& problem) {
    if (deadline && deadline->passed()) return refuse("not complete in time");
    return refuse(log::printable(problem.displayText(), 200));
  }
}

}  // namespace hubseal::agent::auth
