#include "common/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "common/unique_fd.h"

namespace hubseal {
namespace {

tl::unexpected<Error> fail_errno(Code code, const std::filesystem::path& path, std::string_view doing) {
  const int problem = errno;
  return fail(code, fmt::format("{}: {}: {}", path.string(), doing, std::strerror(problem)));
}

Result<> check_trust(const std::filesystem::path& path, const struct stat& info, Trust trust) {
  if (trust == Trust::any) return {};
  if (info.st_uid != 0 && info.st_uid != ::geteuid())
    return fail(Code::bad_request,
                fmt::format("{} belongs to uid {}; wanted root or uid {}", path.string(), info.st_uid, ::geteuid()));
  const unsigned mode = info.st_mode & 07777;
  const unsigned forbidden = trust == Trust::secret ? 0077 : 0022;
  if (mode & forbidden)
    return fail(Code::bad_request, fmt::format("{} has mode {:04o}; run: chmod {} {}", path.string(), mode,
                                               trust == Trust::secret ? "0600" : "go-w", path.string()));
  return {};
}

Result<> check_folders_above(const std::filesystem::path& path) {
  std::filesystem::path folder;
  for (const auto& part : path.parent_path()) {
    folder /= part;
    struct stat info {};
    if (::stat(folder.c_str(), &info) != 0) return fail_errno(Code::not_found, folder, "cannot be examined");
    // In a folder with the sticky bit only the owner can rename what is his, and that is looked at next.
    if (info.st_uid == 0 && (info.st_mode & S_ISVTX)) continue;
    TRY(check_trust(folder, info, Trust::config));
  }
  return {};
}

/// Opens a regular file that meets `trust`; its size, at most `max_bytes`, goes to `size`.
Result<UniqueFd> open_checked(const std::filesystem::path& path, std::size_t max_bytes, Trust trust,
                              std::size_t& size) {
  // O_NONBLOCK: opening a FIFO must not hang; it is refused below.
  const int follow = trust == Trust::any ? 0 : O_NOFOLLOW;
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | follow));
  if (!fd) return fail_errno(Code::not_found, path, "cannot be opened");
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno(Code::internal, path, "cannot be examined");
  if (!S_ISREG(info.st_mode)) return fail(Code::bad_request, path.string() + " is not a regular file");
  TRY(check_trust(path, info, trust));
  if (trust != Trust::any) TRY(check_trusted_path(path));
  if (static_cast<std::size_t>(info.st_size) > max_bytes)
    return fail(Code::too_large,
                fmt::format("{} has {} bytes, at most {} are accepted", path.string(), info.st_size, max_bytes));
  size = static_cast<std::size_t>(info.st_size);
  return fd;
}

/// Fills `buffer` as far as the file goes; returns the number of bytes.
Result<std::size_t> read_all(int fd, const std::filesystem::path& path, std::span<std::uint8_t> buffer) {
  std::size_t filled = 0;
  while (filled < buffer.size()) {
    const ssize_t got = ::read(fd, buffer.data() + filled, buffer.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(Code::internal, path, "cannot be read");
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

Result<> write_all(int fd, const std::filesystem::path& path, ByteView content) {
  while (!content.empty()) {
    const ssize_t put = ::write(fd, content.data(), content.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno(Code::storage_unavailable, path, "cannot be written");
    content = content.subspan(static_cast<std::size_t>(put));
  }
  return {};
}

/// What was renamed or removed in the folder of `path` stays so, whatever happens.
Result<> sync_folder(const std::filesystem::path& path) {
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno(Code::storage_unavailable, folder, "fsync");
  return {};
}

}  // namespace

Result<> check_trusted_path(const std::filesystem::path& path) {
  std::error_code problem;
  const std::filesystem::path absolute = std::filesystem::absolute(path, problem);
  const std::filesystem::path real = std::filesystem::canonical(path, problem);
  if (problem) return fail(Code::not_found, fmt::format("{}: {}", path.string(), problem.message()));
  struct stat info {};
  if (::stat(real.c_str(), &info) != 0) return fail_errno(Code::not_found, real, "cannot be examined");
  TRY(check_trust(real, info, Trust::config));
  TRY(check_folders_above(absolute.lexically_normal()));  // who owns these decides where a link leads
  return check_folders_above(real);
}

Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes, Trust trust) {
  std::size_t size = 0;
  const UniqueFd fd = TRY(open_checked(path, max_bytes, trust, size));
  std::string content(size, '\0');
  const std::span buffer(reinterpret_cast<std::uint8_t*>(content.data()), content.size());
  content.resize(TRY(read_all(fd.get(), path, buffer)));
  return content;
}

Result<SecretBytes> read_secret_file(const std::filesystem::path& path, std::size_t max_bytes) {
  std::size_t size = 0;
  const UniqueFd fd = TRY(open_checked(path, max_bytes, Trust::secret, size));
  SecretBytes secret(size);
  std::size_t length = TRY(read_all(fd.get(), path, secret.bytes()));
  if (length > 0 && secret.bytes()[length - 1] == '\n') --length;
  secret.truncate(length);
  if (secret.empty()) return fail(Code::bad_request, path.string() + " is empty");
  return secret;
}

Result<SecretBytes> read_secret_line(const std::filesystem::path& path, std::size_t max_bytes) {
  SecretBytes secret = TRY(read_secret_file(path, max_bytes));
  const auto bytes = secret.bytes();
  if (const auto more = std::count(bytes.begin(), bytes.end(), '\n'); more > 0)
    return fail(Code::bad_request, fmt::format("{} holds {} lines; wanted one", path.string(), more + 1));
  return secret;
}

Result<> write_file(const std::filesystem::path& path, ByteView content, unsigned mode) {
  std::string temporary = path.string() + ".XXXXXX";
  const UniqueFd fd(::mkostemp(temporary.data(), O_CLOEXEC));
  if (!fd) return fail_errno(Code::storage_unavailable, path, "cannot be created");
  const auto store = [&]() -> Result<> {
    TRY(write_all(fd.get(), temporary, content));
    if (::fchmod(fd.get(), mode) != 0) return fail_errno(Code::storage_unavailable, temporary, "chmod");
    if (::fsync(fd.get()) != 0) return fail_errno(Code::storage_unavailable, temporary, "fsync");
    if (::rename(temporary.c_str(), path.c_str()) != 0)
      return fail_errno(Code::storage_unavailable, path, "cannot be replaced");
    return {};
  };
  if (auto stored = store(); !stored) {
    ::unlink(temporary.c_str());
    return stored;
  }
  return sync_folder(path);
}

Result<> remove_file(const std::filesystem::path& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return fail_errno(Code::storage_unavailable, path, "cannot be removed");
  return sync_folder(path);
}

}  // namespace hubseal
