#include "common/x509/der.h"

#include <fmt/format.h>

namespace hubseal::x509 {
namespace {

constexpr unsigned kMaxDepth = 16;
constexpr std::uint8_t kBoolean = 0x01, kInteger = 0x02, kBitString = 0x03, kSequence = 0x30, kSet = 0x31;

/// Where one value's content lies.
struct Header {
  std::uint8_t tag;
  std::size_t begin, size;
};

tl::unexpected<Error> not_der(std::size_t at, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not DER at byte {}: {}", at, problem));
}

Result<Header> header_at(ByteView der, std::size_t at, std::size_t end) {
  if (end - at < 2) return not_der(at, "it ends inside a value");
  const std::uint8_t tag = der[at], first = der[at + 1];
  if ((tag & 0x1f) == 0x1f) return not_der(at, "a tag of several bytes");
  std::size_t begin = at + 2, size = first;
  if (first & 0x80) {
    const std::size_t count = first & 0x7f;
    if (count == 0) return not_der(at, "indefinite length");
    if (count > 4 || end - begin < count) return not_der(at, "a length that cannot be");
    size = 0;
    for (std::size_t i = 0; i < count; ++i) size = size << 8 | der[begin + i];
    if (der[begin] == 0 || size < 0x80) return not_der(at, "a length longer than needed");
    begin += count;
  }
  if (end - begin < size) return not_der(at, "a value longer than what holds it");
  return Header{tag, begin, size};
}

Result<> check_primitive(ByteView der, const Header& value) {
  const ByteView content = der.subspan(value.begin, value.size);
  switch (value.tag) {
    case kBoolean:
      if (content.size() != 1 || (content[0] != 0x00 && content[0] != 0xff))
        return not_der(value.begin, "a BOOLEAN that is neither 00 nor FF");
      return {};
    case kInteger:
      if (content.empty()) return not_der(value.begin, "an empty INTEGER");
      if (content.size() > 1 &&
          ((content[0] == 0x00 && !(content[1] & 0x80)) || (content[0] == 0xff && (content[1] & 0x80))))
        return not_der(value.begin, "an INTEGER longer than needed");
      return {};
    case kBitString:
      if (content.empty() || content[0] > 7 || (content.size() == 1 && content[0] != 0))
        return not_der(value.begin, "a malformed BIT STRING");
      if (content.back() & ((1u << content[0]) - 1)) return not_der(value.begin, "a BIT STRING with padding set");
      return {};
    default: return {};
  }
}

Result<> check_values(ByteView der, std::size_t at, std::size_t end, unsigned depth) {
  if (depth > kMaxDepth) return not_der(at, "nested too deeply");
  while (at < end) {
    const Header value = TRY(header_at(der, at, end));
    const bool constructed = value.tag & 0x20, universal = !(value.tag & 0xc0);
    // Sequences and sets are always constructed, strings and numbers never (X.690 10.2).
    if (universal && constructed != ((value.tag | 0x20) == kSequence || (value.tag | 0x20) == kSet))
      return not_der(at, "a value in the wrong form");
    if (constructed)
      TRY(check_values(der, value.begin, value.begin + value.size, depth + 1));
    else if (universal)
      TRY(check_primitive(der, value));
    at = value.begin + value.size;
  }
  return {};
}

}  // namespace

Result<> check_der(ByteView der) {
  if (der.empty()) return not_der(0, "nothing there");
  const Header outer = TRY(header_at(der, 0, der.size()));
  if (outer.begin + outer.size != der.size())
    return not_der(outer.begin + outer.size,
                   fmt::format("{} bytes after the end", der.size() - outer.begin - outer.size));
  return check_values(der, 0, der.size(), 0);
}

Result<ByteView> take_value(ByteView& rest) {
  const Header value = TRY(header_at(rest, 0, rest.size()));
  const ByteView whole = rest.first(value.begin + value.size);
  rest = rest.subspan(whole.size());
  return whole;
}

Result<ByteView> content_of(ByteView value, std::uint8_t tag) {
  const Header header = TRY(header_at(value, 0, value.size()));
  if (header.tag != tag) return not_der(0, fmt::format("tag {:02x}; wanted {:02x}", header.tag, tag));
  return value.subspan(header.begin, header.size);
}

Result<SignedShell> open_shell(ByteView der) {
  ByteView rest = TRY(content_of(der, kSequence));
  SignedShell shell;
  shell.to_be_signed = TRY(take_value(rest));
  shell.algorithm = TRY(take_value(rest));
  const ByteView signature = TRY(take_value(rest));
  const ByteView bits = TRY(content_of(signature, kBitString));
  if (bits.empty() || bits[0] != 0 || !rest.empty()) return not_der(0, "not a signed object");
  shell.signature = bits.subspan(1);
  return shell;
}

Bytes der_value(std::uint8_t tag, std::initializer_list<ByteView> parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Bytes value = {tag};
  value.reserve(size + 6);
  if (size < 0x80) {
    value.push_back(static_cast<std::uint8_t>(size));
  } else {
    int count = 1;
    while (size >> (8 * count)) ++count;
    value.push_back(static_cast<std::uint8_t>(0x80 | count));
    for (int i = count - 1; i >= 0; --i) value.push_back(static_cast<std::uint8_t>(size >> (8 * i)));
  }
  for (const ByteView part : parts) value.insert(value.end(), part.begin(), part.end());
  return value;
}

Bytes close_shell(ByteView to_be_signed, ByteView algorithm, ByteView signature) {
  static constexpr std::uint8_t kNoUnusedBits[] = {0};
  return der_value(kSequence, {to_be_signed, algorithm, der_value(kBitString, {kNoUnusedBits, signature})});
}

}  // namespace hubseal::x509
