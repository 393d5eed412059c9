#include "agent/http/header_block.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include <Poco/Net/HTTPRequest.h>
#include <fmt/format.h>

#include "common/log.h"
#include "common/number.h"

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

/// Each line ends with CR LF, and only the last one is empty; it is left out.
Result<std::vector<std::string_view>> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  bool ended = false;
  while (!text.empty()) {
    if (ended) return refuse("empty line inside its header");
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.ends_with('\r')) return refuse("a line of its header does not end with CR LF");
    line.remove_suffix(1);
    if (line.find_first_of(std::string_view("\0\r", 2)) != std::string_view::npos)
      return refuse("control character in its header");
    ended = line.empty();
    if (!ended) lines.push_back(line);
  }
  if (!ended) return refuse("no empty line ends its header");
  if (lines.empty()) return refuse("no request line");
  return lines;
}

Result<> read_request_line(std::string_view line, HTTPRequest& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last || line.find_first_of(" \t", first + 1) != last) return refuse("broken request line");
  request.setMethod(std::string(line.substr(0, first)));
  request.setURI(std::string(line.substr(first + 1, last - first - 1)));
  request.setVersion(std::string(line.substr(last + 1)));
  return {};
}

Result<> read_header_line(std::string_view line, HTTPRequest& request) {
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  if (!is_token(name)) return refuse(fmt::format("header line \"{}\"", log::printable(line, 40)));
  if (colon == line.size()) return refuse("header line without a colon");
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
  value.remove_suffix(value.size() - 1 - value.find_last_not_of(" \t"));
  request.add(std::string(name), std::string(value));
  return {};
}

/// Values stay as they were sent. Poco's own reader turns RFC 2047 words ("=?utf-8?q?42?=") into what they stand
/// for, ends lines at LF alone and joins folded ones; who reads before or after us may not.
Result<HTTPRequest> read_request(std::string_view text) {
  const auto lines = TRY(split_lines(text));
  HTTPRequest request;
  TRY(read_request_line(lines.front(), request));
  for (std::size_t i = 1; i < lines.size(); ++i) TRY(read_header_line(lines[i], request));
  return request;
}

Result<> check_request(const HTTPRequest& request) {
  if (!is_token(request.getMethod())) return refuse("broken method");
  if (request.getVersion() != "HTTP/1.1" && request.getVersion() != "HTTP/1.0")
    return refuse(fmt::format("version \"{}\"; wanted HTTP/1.1", log::printable(request.getVersion(), 16)));
  for (const char* single : {"Host", "Content-Length", "Transfer-Encoding", "Content-Type", "Origin", "Authorization",
                             "Cookie", "X-DFSP-ID", "If-Match", "If-None-Match"})
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
  const auto number = parse_number<std::size_t>(*length);
  if (!number) return refuse(fmt::format("Content-Length \"{}\"", log::printable(*length, 40)));
  block.content_length = *number;
  return {};
}

}  // namespace

Result<HeaderBlock> parse_header_block(const std::string& text) {
  const HTTPRequest request = TRY(read_request(text));
  TRY(check_request(request));
  HeaderBlock block;
  TRY(read_framing(request, block));
  block.request.method = request.getMethod();
  block.request.target = request.getURI();
  block.request.content_type = header(request, "Content-Type");
  block.request.host = header(request, "Host");
  block.request.origin = header(request, "Origin");
  block.request.x_dfsp_id = header(request, "X-DFSP-ID");
  block.request.cookie = header(request, "Cookie");
  block.request.if_match = header(request, "If-Match");
  block.request.if_none_match = header(request, "If-None-Match");
  block.request.csrf = request.has("X-CSRF");
  block.request.authorization = header(request, "Authorization");
  block.keep_alive = request.getKeepAlive();
  block.expects_continue = Poco::icompare(request.get("Expect", ""), "100-continue") == 0;
  return block;
}

}  // namespace hubseal::agent::http
