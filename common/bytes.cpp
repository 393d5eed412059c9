#include "common/bytes.h"

#include <array>

namespace hubseal {
namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kHexDigitsUpper = "0123456789ABCDEF";
constexpr std::string_view kUnreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
constexpr std::uint8_t kInvalid = 0xff;

constexpr std::array<std::uint8_t, 256> inverse(std::string_view alphabet) {
  std::array<std::uint8_t, 256> table{};
  table.fill(kInvalid);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return table;
}

constexpr auto kBase64Values = inverse(kBase64);
constexpr auto kBase64UrlValues = inverse(kBase64Url);

std::string encode64(ByteView bytes, std::string_view alphabet) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int held = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (held += 8; held >= 6; held -= 6) text += alphabet[bits >> (held - 6) & 0x3f];
  }
  if (held > 0) text += alphabet[bits << (6 - held) & 0x3f];
  return text;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Every character in the alphabet, a possible length, and no bits set that encode nothing.
bool well_formed64(std::string_view text, const std::array<std::uint8_t, 256>& values) {
  if (text.size() % 4 == 1) return false;
  for (const char c : text)
    if (values[static_cast<std::uint8_t>(c)] == kInvalid) return false;
  const std::uint8_t last = text.empty() ? 0 : values[static_cast<std::uint8_t>(text.back())];
  if (text.size() % 4 == 2) return (last & 0x0f) == 0;
  if (text.size() % 4 == 3) return (last & 0x03) == 0;
  return true;
}

Bytes decode64(std::string_view text, const std::array<std::uint8_t, 256>& values) {
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    bits = bits << 6 | values[static_cast<std::uint8_t>(c)];
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes.push_back(static_cast<std::uint8_t>(bits >> held));
    }
  }
  return bytes;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kHexDigits[byte >> 4];
    text += kHexDigits[byte & 0x0f];
  }
  return text;
}

Result<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return fail(Code::bad_request, "hexadecimal text has an odd length");
  Bytes bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return fail(Code::bad_request, "text is not hexadecimal");
    bytes.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return bytes;
}

std::string to_base64(ByteView bytes) {
  std::string text = encode64(bytes, kBase64);
  text.append((4 - text.size() % 4) % 4, '=');
  return text;
}

Result<Bytes> from_base64(std::string_view text) {
  std::string_view digits = text;
  for (int pad = 0; pad < 2 && digits.ends_with('='); ++pad) digits.remove_suffix(1);
  if (text.size() % 4 != 0 || !well_formed64(digits, kBase64Values))
    return fail(Code::bad_request, "text is not padded base64");
  return decode64(digits, kBase64Values);
}

std::string to_base64url(ByteView bytes) { return encode64(bytes, kBase64Url); }

bool is_base64url(std::string_view text) { return well_formed64(text, kBase64UrlValues); }

Result<Bytes> from_base64url(std::string_view text) {
  if (!is_base64url(text)) return fail(Code::bad_request, "text is not unpadded base64url");
  return decode64(text, kBase64UrlValues);
}

std::string percent_encoded(std::string_view text) {
  std::string encoded;
  encoded.reserve(text.size() * 3);  // it may be a secret, of which no shorter copy is to be left behind
  for (const std::uint8_t byte : as_bytes(text)) {
    if (kUnreserved.find(static_cast<char>(byte)) != std::string_view::npos) {
      encoded += static_cast<char>(byte);
    } else {
      encoded += '%';
      encoded += kHexDigitsUpper[byte >> 4];
      encoded += kHexDigitsUpper[byte & 0x0f];
    }
  }
  return encoded;
}

}  // namespace hubseal
