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

/// Whether nobody but root and we can put another file or folder in the place of `path`: neither it nor any
/// folder on the way, links followed or not, belongs to somebody else or can be written by others. A
/// folder with the sticky bit, such as /tmp, is good enough on the way.
/// Errors: bad_request, naming the place and the cure; not_found.
Result<> check_trusted_path(const std::filesystem::path& path);

/// The whole content of a regular file. Where `trust` is not any, its folders are checked as well. Symbolic links are
/// followed only where `trust` is any.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes, Trust trust);

/// A secret, without a copy on the heap: trust is Trust::secret, a final line feed is left out.
Result<SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t max_bytes);
/// The same for a PIN: a second line is a mistake, and would be sent.
Result<SecretBytes> read_secret_line(const std::filesystem::path& path, std::size_t max_bytes);

/// Replaces `path` as one step: temporary file beside it, fsync, rename, fsync of the folder.
Result<> write_file(const std::filesystem::path& path, ByteView content, unsigned mode);

/// Removes `path` for good (fsync of the folder). That it is not there is no error.
Result<> remove_file(const std::filesystem::path& path);

}  // namespace hubseal
