#include "cli/serial.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxDigits = 40;  // 20 bytes (RFC 5280 section 4.1.2.2)

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

Result<std::string> read_serial(const std::string& text) {
  std::string serial = text.starts_with("0x") || text.starts_with("0X") ? text.substr(2) : text;
  std::erase_if(serial, [](char c) { return c == ':' || c == ' '; });
  std::transform(serial.begin(), serial.end(), serial.begin(), lower);
  if (!serial.empty() && serial.size() <= kMaxDigits &&
      serial.find_first_not_of("0123456789abcdef") == std::string::npos)
    return serial;
  return fail(Code::bad_request, fmt::format("serial: \"{}\"; wanted up to {} hexadecimal digits, as hubseal cert list "
                                             "shows them",
                                             log::printable(text, 80), kMaxDigits));
}

}  // namespace hubseal::cli
