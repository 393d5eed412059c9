/// Data objects of ours in the token (CKO_DATA): a few bytes that are of the token's time and not of the disk's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hsm/object.h"

namespace hubseal::hsm {

/// The values of all private data objects of this label. More than one means that a write was cut short.
/// At most 64 KiB each.
Result<std::vector<Bytes>> read_data(const Session& session, std::string_view label);

/// The labels of all of ours, whoever wrote them.
Result<std::vector<std::string>> data_labels(const Session& session);

/// None of this label is left.
Result<> erase_data(const Session& session, std::string_view label);

/// Leaves one with this value: it is made first, and those before it are destroyed then, so that a crash leaves the
/// old one, the new one, or both. `session` must be a read-write one.
Result<> write_data(const Session& session, std::string_view label, ByteView value);

}  // namespace hubseal::hsm
