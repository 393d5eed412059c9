#include "daemon/folders.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

/// What a change of the configuration, of an owner or of a mode does not mend.
bool is_storage(int problem) {
  return problem == EROFS || problem == ENOSPC || problem == EDQUOT || problem == EIO || problem == EMFILE ||
         problem == ENFILE;
}

}  // namespace

tl::unexpected<Error> folder_problem(std::string_view key, const std::filesystem::path& path) {
  const int problem = errno;
  return fail(is_storage(problem) ? Code::storage_unavailable : Code::bad_request,
              fmt::format("{}: {} cannot be made or written to by uid {}: {}", key, path.string(), ::geteuid(),
                          std::strerror(problem)));
}

Result<> check_folder(std::string_view key, const std::filesystem::path& path) {
  std::filesystem::path there = path;
  struct stat info {};
  // The first part of the way that is there decides.
  while (::stat(there.c_str(), &info) != 0 && there.has_relative_path()) there = there.parent_path();
  if (!S_ISDIR(info.st_mode)) {
    errno = ENOTDIR;
    return folder_problem(key, path);
  }
  if (::faccessat(AT_FDCWD, there.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
  const auto refused = folder_problem(key, path);
  return fail(refused.value().code, fmt::format("{} ({} belongs to uid {} with mode {:04o})", refused.value().message,
                                                there.string(), info.st_uid, info.st_mode & 07777));
}

}  // namespace hubseal::daemon
