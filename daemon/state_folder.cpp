#include "daemon/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "common/files.h"
#include "daemon/folders.h"

namespace hubseal::daemon {
namespace {

constexpr char kKey[] = "server.state_dir";

/// Ours, and closed to everybody else.
Result<> check_private(const std::filesystem::path& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return folder_problem(kKey, path);
  if (info.st_uid != ::geteuid() || (info.st_mode & 0077) != 0)
    return fail(Code::bad_request, fmt::format("{}: {} must belong to uid {} with mode 0700; found uid {}, mode {:04o}",
                                               kKey, path.string(), ::geteuid(), info.st_uid, info.st_mode & 07777));
  return check_trusted_path(path);
}

Result<> make_private_folder(const std::filesystem::path& path) {
  std::error_code problem;
  std::filesystem::create_directories(path.parent_path(), problem);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return folder_problem(kKey, path);
  return check_private(path);
}

}  // namespace

Result<> StateFolder::check(const std::filesystem::path& path) {
  std::error_code problem;
  if (std::filesystem::exists(path, problem)) TRY(check_private(path));
  return check_folder(kKey, path);
}

Result<StateFolder> StateFolder::take(const std::filesystem::path& path) {
  TRY(make_private_folder(path));
  TRY(make_private_folder(path / "audit"));
  UniqueFd lock(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!lock || ::flock(lock.get(), LOCK_EX | LOCK_NB) != 0)
    return fail(Code::storage_unavailable, errno == EWOULDBLOCK
                                               ? path.string() + " is held by another hubseald"
                                               : fmt::format("{}: {}", path.string(), std::strerror(errno)));
  return StateFolder(path, std::move(lock));
}

}  // namespace hubseal::daemon
