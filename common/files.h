/// Reading and writing files without being fooled: opened once, checked on the descriptor,
/// bounded before read, written beside and renamed into place.
#pragma once

#include <filesystem>
#include <string>

#include "common/bytes.h"
#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal {

/// Whom a file may belong to and who may change it.
enum class Trust {
  any,     ///< whatever it is: input that is checked by other means
  config,  ///< owned by root or by us, writable by nobody else
  secret,  ///< as config, and readable by nobody else (mode 0600 or 0400)
};

/// The whole content of a regular file. Symbolic links are followed only where `trust` is any.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes, Trust trust);

/// A secret, without a copy on the heap: trust is Trust::secret, a final line feed is left out.
Result<SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t max_bytes);

/// Replaces `path` as one step: temporary file beside it, fsync, rename, fsync of the folder.
Result<> write_file(const std::filesystem::path& path, ByteView content, unsigned mode);

/// Removes `path` for good (fsync of the folder). That it is not there is no error.
Result<> remove_file(const std::filesystem::path& path);

}  // namespace hubseal
