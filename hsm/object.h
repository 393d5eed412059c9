/// Reading objects of the token: attributes and searches.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "hsm/cryptoki.h"

namespace hubseal::hsm {

/// A logged-in session of the token; whoever holds it is the only one who uses it.
struct Session {
  Cryptoki& cryptoki;
  CK_SESSION_HANDLE handle;
};

/// Attributes for a template; the values must outlive it.
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_BBOOL& value);
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, const CK_ULONG& value);
CK_ATTRIBUTE attribute(CK_ATTRIBUTE_TYPE type, ByteView value);

constexpr CK_BBOOL kTrue = CK_TRUE;
constexpr CK_BBOOL kFalse = CK_FALSE;

/// Handles of all objects that match. At most 100,000: a token that claims more is not believed.
Result<std::vector<CK_OBJECT_HANDLE>> find_objects(const Session& session, std::span<CK_ATTRIBUTE> wanted);

/// nullopt where the object has no such attribute, or does not show it. At most 64 KiB. Errors: hsm_busy: the object
/// has gone since it was found, which ends no generation.
Result<std::optional<Bytes>> read_attribute(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
Result<std::optional<bool>> read_flag(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
Result<std::optional<CK_ULONG>> read_number(const Session& session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

}  // namespace hubseal::hsm
