#include "agent/http/header_block.h"

#include <algorithm>
#include <sstream>

#include <Poco/Exception.h>
#include <Poco/Net/HTTPRequest.h>
#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent::http {
namespace {

using Poco::Net::HTTPRequest;

bool is_token(const std::string& text) {
  constexpr std::string_view kSigns = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kSigns.find(c) != std::string_view::npos;
  });
}

tl::unexpected<Error> refuse(std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not an HTTP request that this server takes: {}", problem));
}

std::size_t count(const HTTPRequest& request, const std::string& name) {
  std::size_t times = 0;
  for (auto at = request.find(name); at != request.end() && Poco::icompare(at->first, name) == 0; ++at) ++times;
  return times;
}

std::optional<std::string> header(const HTTPRequest& request, const std::string& name) {
  return request.has(name) ? std::optional(request.get(name)) : std::nullopt;
}

Result<> check_lines(const HTTPRequest& request) {
  if (!is_token(request.getMethod())) return refuse("broken method");
  if (request.getVersion() != "HTTP/1.1" && request.getVersion() != "HTTP/1.0")
    return refuse(fmt::format("version \"{}\"; wanted HTTP/1.1", log::printable(request.getVersion(), 16)));
  for (const auto& [name, value] : request) {
    if (!is_token(name)) return refuse(fmt::format("header name \"{}\"", log::printable(name, 40)));
    if (value.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos)
      return refuse(fmt::format("control character in header {}", name));
  }
  for (const char* single : {"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Origin"})
    if (count(request, single) > 1) return refuse(fmt::format("more than one {}", single));
  if (request.getVersion() == "HTTP/1.1" && !request.has("Host")) return refuse("no Host header");
  return {};
}

Result<> read_framing(const HTTPRequest& request, HeaderBlock& block) {
  const auto length = header(request, "Content-Length");
  const auto encoding = header(request, "Transfer-Encoding");
  if (length && encoding) return refuse("both Content-Length and Transfer-Encoding");
  if (encoding && (Poco::icompare(*encoding, "chunked") != 0 || request.getVersion() != "HTTP/1.1"))
    return refuse(fmt::format("Transfer-Encoding \"{}\"; wanted chunked", log::printable(*encoding, 40)));
  block.chunked = encoding.has_value();
  if (!length) return {};
  if (length->empty() || length->size() > 15 || length->find_first_not_of("0123456789") != std::string::npos)
    return refuse(fmt::format("Content-Length \"{}\"", log::printable(*length, 40)));
  block.content_length = std::stoull(*length);
  return {};
}

}  // namespace

Result<HeaderBlock> parse_header_block(const std::string& text) {
  HTTPRequest request;
  try {
    std::istringstream stream(text);
    request.read(stream);
  } catch (const Poco::Exception&) {
    return refuse("broken request line or header");
  }
  TRY(check_lines(request));
  HeaderBlock block;
  TRY(read_framing(request, block));
  block.request.method = request.getMethod();
  block.request.target = request.getURI();
  block.request.content_type = header(request, "Content-Type");
  block.request.host = header(request, "Host");
  block.request.origin = header(request, "Origin");
  block.keep_alive = request.getKeepAlive();
  block.expects_continue = Poco::icompare(request.get("Expect", ""), "100-continue") == 0;
  return block;
}

}  // namespace hubseal::agent::http
