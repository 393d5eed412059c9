#include "agent/http/response_head.h"

#include <stdexcept>
#include <string_view>

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timestamp.h>
#include <fmt/format.h>

namespace hubseal::agent::http {
namespace {

using Poco::Net::HTTPResponse;

constexpr std::string_view kNoContent = "default-src 'none'; frame-ancestors 'none'";
constexpr std::size_t kUsualBytes = 768;

/// Throws std::logic_error: whoever writes another's words into a header has to look at them.
void add(std::string& head, std::string_view name, std::string_view value) {
  constexpr std::string_view kNever("\r\n\0", 3);
  if (name.find_first_of(kNever) != name.npos || value.find_first_of(kNever) != value.npos)
    throw std::logic_error("a header of an answer has a line end in it");
  head.append(name).append(": ").append(value).append("\r\n");
}

void add_security_headers(std::string& head, const Answer& answer, bool secure) {
  add(head, "X-Content-Type-Options", "nosniff");
  add(head, "X-Frame-Options", "DENY");
  add(head, "Content-Security-Policy", answer.content_policy.empty() ? kNoContent : answer.content_policy);
  add(head, "Referrer-Policy", "no-referrer");
  add(head, "Cache-Control",
      answer.cache_seconds ? fmt::format("public, max-age={}", *answer.cache_seconds) : "no-store");
  if (secure) add(head, "Strict-Transport-Security", "max-age=31536000");
}

}  // namespace

std::string response_head(const Answer& answer, const std::string& correlation_id, Carrier carrier) {
  std::string head;
  head.reserve(kUsualBytes);
  const auto status = static_cast<HTTPResponse::HTTPStatus>(answer.status);
  head.append(fmt::format("HTTP/1.1 {} {}\r\n", answer.status, HTTPResponse::getReasonForStatus(status)));
  add(head, "Date", Poco::DateTimeFormatter::format(Poco::Timestamp(), Poco::DateTimeFormat::HTTP_FORMAT));
  // RFC 9110 section 8.6: no length there, not even 0.
  if (status != HTTPResponse::HTTP_NO_CONTENT && status != HTTPResponse::HTTP_NOT_MODIFIED) {
    if (!answer.content_type.empty()) add(head, "Content-Type", answer.content_type);
    add(head, "Content-Length", std::to_string(answer.body.size()));
  }
  add(head, "Connection", carrier.keep_alive ? "Keep-Alive" : "Close");
  add(head, "X-Correlation-Id", correlation_id);
  if (answer.retry_after_seconds) add(head, "Retry-After", std::to_string(*answer.retry_after_seconds));
  if (!answer.allow.empty()) add(head, "Allow", answer.allow);
  for (const auto& [name, value] : answer.headers) add(head, name, value);
  add_security_headers(head, answer, carrier.secure);
  return head.append("\r\n");
}

}  // namespace hubseal::agent::http
