#include "common/x509/pem.h"

#include <fmt/format.h>

namespace hubseal::x509 {
namespace {

/// The next line without its LF or CRLF; empty when nothing is left.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

Result<Bytes> der_of_pem(std::string_view pem, std::initializer_list<std::string_view> labels, std::size_t max) {
  const std::string_view wanted = *labels.begin();
  if (pem.size() > max)
    return fail(Code::too_large, fmt::format("{} of {} bytes; at most {} are accepted", wanted, pem.size(), max));
  const std::string_view first = take_line(pem);
  std::string_view label;
  for (const std::string_view candidate : labels)
    if (first == fmt::format("-----BEGIN {}-----", candidate)) label = candidate;
  if (label.empty())
    return fail(Code::bad_request,
                fmt::format("not a PEM block: it must start with \"-----BEGIN {}-----\" and nothing before", wanted));

  const std::string end_line = fmt::format("-----END {}-----", label);
  std::string base64;
  base64.reserve(pem.size());
  for (std::string_view line = take_line(pem); line != end_line; line = take_line(pem)) {
    if (line.empty())
      return fail(Code::bad_request, fmt::format("PEM block without \"{}\", or with an empty line", end_line));
    base64.append(line);
  }
  if (const std::size_t junk = pem.find_first_not_of(" \t\r\n"); junk != std::string_view::npos)
    return fail(Code::bad_request, fmt::format("{} bytes after \"{}\"; wanted one PEM block and nothing around it",
                                               pem.size() - junk, end_line));
  auto der = from_base64(base64);
  if (!der) return fail(Code::bad_request, fmt::format("PEM {}: {}", label, der.error().message));
  return der;
}

std::string pem_of_der(ByteView der, std::string_view label) {
  constexpr std::size_t kLine = 64;
  const std::string base64 = to_base64(der);
  std::string pem = fmt::format("-----BEGIN {}-----\n", label);
  pem.reserve(base64.size() + base64.size() / kLine + 128);
  for (std::size_t at = 0; at < base64.size(); at += kLine) pem.append(base64, at, kLine).push_back('\n');
  return pem + fmt::format("-----END {}-----\n", label);
}

}  // namespace hubseal::x509
