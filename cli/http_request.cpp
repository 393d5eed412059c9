#include "cli/http_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"
#include "common/number.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxHeaders = 256;

/// The next line without its end; null where no end comes any more.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(
      Code::bad_request,
      fmt::format("this is no HTTP request: {}; wanted \"PUT /quotes/1 HTTP/1.1\", headers, an empty line and the "
                  "body, as they travelled",
                  why));
}

/// RFC 9110 section 5.5: what one reader takes for the end of a line or of a text, and another does not.
Result<> check_characters(std::string_view line) {
  if (std::none_of(line.begin(), line.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; }))
    return {};
  return refuse(fmt::format("there is a control character in \"{}\"", log::printable(line, 64)));
}

Result<> read_request_line(std::string_view line, jose::SignedRequest& request) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == 0 || first == std::string_view::npos || last <= first + 1 || !line.substr(last + 1).starts_with("HTTP/"))
    return refuse(fmt::format("its first line is \"{}\"", log::printable(line, 64)));
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, last - first - 1);
  return {};
}

Result<> read_header(std::string_view line, jose::SignedRequest& request) {
  const std::size_t colon = line.find(':');
  // A name with white space around it, and a line that goes on with the one before: RFC 9112 section 5 refuses both.
  if (colon == 0 || colon == std::string_view::npos ||
      line.substr(0, colon).find_first_of(" \t") != std::string_view::npos)
    return refuse(fmt::format("the line \"{}\" is no header", log::printable(line, 64)));
  if (request.headers.size() == kMaxHeaders) return refuse(fmt::format("it has more than {} headers", kMaxHeaders));
  request.headers.emplace_back(line.substr(0, colon), trimmed(line.substr(colon + 1)));
  if (jose::same_header(request.headers.back().first, "Transfer-Encoding"))
    return refuse(
        "its body is sent in another coding (Transfer-Encoding); put the decoded body there without that header");
  return {};
}

/// Whoever goes by the length reads another body otherwise.
Result<> check_length(const jose::SignedRequest& request) {
  for (const auto& [name, value] : request.headers)
    if (jose::same_header(name, "Content-Length") && parse_number<std::size_t>(value) != request.body.size())
      return refuse(fmt::format("its Content-Length is \"{}\", and its body has {} bytes", log::printable(value, 64),
                                request.body.size()));
  return {};
}

}  // namespace

Result<jose::SignedRequest> parse_http_request(std::string_view text) {
  jose::SignedRequest request;
  const auto first = take_line(text);
  if (!first) return refuse("it has no line");
  TRY(check_characters(*first));
  TRY(read_request_line(*first, request));
  for (;;) {
    const auto line = take_line(text);
    if (!line) return refuse("its headers do not end with an empty line");
    if (line->empty()) break;
    TRY(check_characters(*line));
    TRY(read_header(*line, request));
  }
  request.body = text;
  TRY(check_length(request));
  return request;
}

}  // namespace hubseal::cli
