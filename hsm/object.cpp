#include "hsm/object.h"

#include <array>
#include <cstring>

#include <fmt/format.h>

namespace hubseal::hsm {
namespace {

constexpr std::size_t kMaxObjects = 100'000;
constexpr CK_ULONG kMaxAttributeBytes = 64 * 1024;

// Templates are read only by the module, but the struct is the same as for reading attributes.
CK_ATTRIBUTE raw_attribute(CK_ATTRIBUTE_TYPE type, const void* value, std::size_t size) {
  return {type, const_cast<void*>(value), static_cast<CK_ULONG>(size)};
}

/// A handle that a search has just given and that is no longer valid is an object's that somebody destroyed meanwhile,
/// another program perhaps. Where the token has lost all that it had, the next use of a session or a key says so.
Result<> check_read(const Session& session, CK_RV value) {
  if (value == CKR_OBJECT_HANDLE_INVALID)
    return fail(Code::hsm_busy, "C_GetAttributeValue: the object went while it was looked at");
  return session.cryptoki.check(value, "C_GetAttributeValue");
}

Result<std::vector<CK_OBJECT_HANDLE>> collect(const Session& session) {
  std::vector<CK_OBJECT_HANDLE> all;
  std::array<CK_OBJECT_HANDLE, 256> batch;
  for (;;) {
    CK_ULONG found = 0;
    TRY(session.cryptoki.check(session.cryptoki->C_FindObjects(session.handle, batch.data(), batch.size(), &found),
                               "C_FindObjects"));
    if (found == 0) return all;
    if (found > batch.size() || all.size() + found > kMaxObjects)
      return fail(Code::hsm_unavailable, fmt::format("C_FindObjects: the token claims {} more objects", found));
    all.insert(all.end(), batch.begin(), batch.begin() + static_cast<std::ptrdiff_t>(found));
  }
}

}  // namespace

CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_BBOOL& value) {
  return raw_attribute(type, &value, sizeof value);
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_ULONG& value) {
  return raw_attribute(type, &value, sizeof value);
}
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, ByteView value) {
  return raw_attribute(type, value.data(), value.size());
}

Result<std::vector<CK_OBJECT_HANDLE>> find_objects(const Session& session, std::span<CK_ATTRIBUTE> wanted) {
  TRY(session.cryptoki.check(
      session.cryptoki->C_FindObjectsInit(session.handle, wanted.data(), static_cast<CK_ULONG>(wanted.size())),
      "C_FindObjectsInit"));
  auto objects = collect(session);
  const CK_RV ended = session.cryptoki->C_FindObjectsFinal(session.handle);
  if (objects) TRY(session.cryptoki.check(ended, "C_FindObjectsFinal"));
  return objects;
}

Result<std::optional<Bytes>> read_attribute(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE wanted{type, nullptr, 0};
  const CK_RV asked = session.cryptoki->C_GetAttributeValue(session.handle, object, &wanted, 1);
  if (asked == CKR_ATTRIBUTE_TYPE_INVALID || asked == CKR_ATTRIBUTE_SENSITIVE) return std::nullopt;
  TRY(check_read(session, asked));
  if (wanted.ulValueLen == CK_UNAVAILABLE_INFORMATION) return std::nullopt;
  if (wanted.ulValueLen > kMaxAttributeBytes)
    return fail(
        Code::hsm_unavailable,
        fmt::format("C_GetAttributeValue: the token claims {} bytes for attribute 0x{:x}", wanted.ulValueLen, type));
  Bytes value(wanted.ulValueLen);
  wanted.pValue = value.data();
  TRY(check_read(session, session.cryptoki->C_GetAttributeValue(session.handle, object, &wanted, 1)));
  if (wanted.ulValueLen > value.size())
    return fail(Code::hsm_unavailable, fmt::format("C_GetAttributeValue: attribute 0x{:x} changed its length", type));
  value.resize(wanted.ulValueLen);
  return value;
}

Result<std::optional<bool>> read_flag(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  const auto value = TRY(read_attribute(session, object, type));
  if (!value || value->size() != sizeof(CK_BBOOL)) return std::nullopt;
  return value->front() != CK_FALSE;
}

Result<std::optional<CK_ULONG>> read_number(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  const auto value = TRY(read_attribute(session, object, type));
  if (!value || value->size() != sizeof(CK_ULONG)) return std::nullopt;
  CK_ULONG number = 0;
  std::memcpy(&number, value->data(), sizeof number);
  return number;
}

}  // namespace hubseal::hsm
