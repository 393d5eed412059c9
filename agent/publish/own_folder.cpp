#include "agent/publish/own_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "common/files.h"

namespace hubseal::agent::publish {
namespace {

namespace fs = std::filesystem;

constexpr const char* kLock = ".lock";  // no id begins with a dot
constexpr mode_t kLockMode = 0600;
constexpr std::chrono::seconds kTurn{5};
constexpr std::chrono::milliseconds kPause{20};

}  // namespace

tl::unexpected<Error> fail_errno(const fs::path& path, std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable, fmt::format("{}: {}: {}", path.string(), doing, std::strerror(problem)));
}

Result<UniqueFd> open_own_folder(const fs::path& path) {
  TRY(check_trusted_path(path));
  UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder) return fail_errno(path, "cannot be opened as a folder (a link is not followed)");
  struct stat info {};
  if (::fstat(folder.get(), &info) != 0) return fail_errno(path, "cannot be examined");
  if ((info.st_mode & S_IRWXO) != 0)
    return fail(Code::bad_request, fmt::format("{} has mode {:04o}; run: chmod 0750 {}", path.string(),
                                               info.st_mode & 0777U, path.string()));
  if (::access(path.c_str(), W_OK | X_OK) != 0) return fail_errno(path, "cannot be written");
  return folder;
}

// What is locked is a file that nobody else can open: the group that reads the folder could lock that, and keep
// everybody from publishing.
Result<UniqueFd> take_turn(const UniqueFd& folder, const fs::path& path) {
  const fs::path lock = path / kLock;
  UniqueFd file(::openat(folder.get(), kLock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, kLockMode));
  if (!file || ::fchmod(file.get(), kLockMode) != 0) return fail_errno(lock, "cannot be opened");
  const auto deadline = std::chrono::steady_clock::now() + kTurn;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno(lock, "cannot be locked");
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Code::storage_unavailable, lock.string() + " is locked by somebody else");
    std::this_thread::sleep_for(kPause);
  }
  return file;
}

bool was_used(const UniqueFd& folder) {
  struct stat info {};
  return ::fstatat(folder.get(), kLock, &info, AT_SYMLINK_NOFOLLOW) == 0;
}

}  // namespace hubseal::agent::publish
