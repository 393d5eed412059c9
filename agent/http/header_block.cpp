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

bool is_token(std::string_view text) {
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

/// Holds the text to one reading: Poco stops at the first empty line, ends lines at LF alone, skips those
/// without a colon and joins folded ones; who reads before or after it may not.
Result<> check_lines(std::string_view text) {
  bool ended = false;
  for (bool first = true; !text.empty(); first = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.ends_with('\r')) return refuse("a line of its header does not end with CR LF");
    line.remove_suffix(1);
    if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos)
      return refuse("control character in its header");
    ended = line.empty();
    if (ended && (first || !text.empty())) return refuse("empty line inside its header");
    if (first || ended) continue;
    if (!is_token(line.substr(0, line.find(':'))))
      return refuse(fmt::format("header line \"{}\"", log::printable(line, 40)));
    if (line.find(':') == std::string_view::npos) return refuse("header line without a colon");
  }
  if (!ended) return refuse("no empty line ends its header");
  return {};
}

Result<> check_request(const HTTPRequest& request) {
  if (!is_token(request.getMethod())) return refuse("broken method");
  if (request.getVersion() != "HTTP/1.1" && request.getVersion() != "HTTP/1.0")
    return refuse(fmt::format("version \"{}\"; wanted HTTP/1.1", log::printable(request.getVersion(), 16)));
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
  TRY(check_lines(text));
  HTTPRequest request;
  try {
    std::istringstream stream(text);
    request.read(stream);
  } catch (const Poco::Exception&) {
    return refuse("broken request line or header");
  }
  TRY(check_request(request));
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
