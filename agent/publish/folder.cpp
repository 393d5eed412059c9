#include "agent/publish/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <map>
#include <thread>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/publish/publisher.h"
#include "common/fields.h"
#include "common/files.h"
#include "common/log.h"
#include "common/unique_fd.h"

namespace hubseal::agent::publish {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0750;
constexpr unsigned kFileMode = 0640;
constexpr const char* kLock = ".lock";  // no id begins with a dot
constexpr mode_t kLockMode = 0600;
constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::chrono::seconds kTurn{5};
constexpr std::chrono::milliseconds kPause{20};

using Files = std::map<std::string, std::string>;

tl::unexpected<Error> fail_errno(const fs::path& path, std::string_view doing) {
  const int problem = errno;
  return fail(Code::storage_unavailable, fmt::format("{}: {}: {}", path.string(), doing, std::strerror(problem)));
}

Files files_of(const Bundle& bundle) {
  return {{"bundle.json", dump_json(to_json(bundle)) + "\n"},
          {"ca_bundle.pem", bundle.ca_bundle},
          {"client_cert_chain.pem", bundle.client_cert_chain},
          {"client_key.uri", bundle.client_key + "\n"},
          {"whitelist.txt", fmt::format("{}\n", fmt::join(bundle.whitelist, "\n"))}};
}

/// The folder itself, not what a link leads to. Nobody else can put anything into it, so that what is done below it by
/// name is done to what this agent made.
Result<UniqueFd> open_checked(const fs::path& path) {
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

/// Threads and agents take turns; the turn ends with the descriptor. What is locked is a file that nobody else can
/// open: the group that reads the folder could lock that, and keep everybody from publishing.
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

Result<> sync(const fs::path& path) {
  const UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder || ::fsync(folder.get()) != 0) return fail_errno(path, "fsync");
  return {};
}

Result<> remove_tree(const fs::path& path) {
  std::error_code problem;
  fs::remove_all(path, problem);  // of a link, the link
  if (problem)
    return fail(Code::storage_unavailable, fmt::format("{} cannot be removed: {}", path.string(), problem.message()));
  return {};
}

Result<> write_tree(const fs::path& path, const Files& files) {
  if (::mkdir(path.c_str(), 0700) != 0) return fail_errno(path, "cannot be made");
  for (const auto& [name, content] : files) TRY(write_file(path / name, as_bytes(content), kFileMode));
  if (::chmod(path.c_str(), kFolderMode) != 0) return fail_errno(path, "chmod");
  return sync(path);
}

/// Whether exactly these files are there.
bool holds(const fs::path& path, const Files& files) {
  std::error_code problem;
  const auto count = std::distance(fs::directory_iterator(path, problem), fs::directory_iterator());
  if (problem || static_cast<std::size_t>(count) != files.size()) return false;
  return std::all_of(files.begin(), files.end(), [&](const auto& file) {
    const auto content = read_file(path / file.first, kMaxFileBytes, Trust::config);
    return content && *content == file.second;
  });
}

/// In one step, so that there is always one of the two. What was there is afterwards where the new one was.
Result<> exchange(const fs::path& fresh, const fs::path& place) {
  struct stat info {};
  if (::lstat(place.c_str(), &info) != 0) {
    if (errno != ENOENT) return fail_errno(place, "cannot be examined");
    if (::rename(fresh.c_str(), place.c_str()) != 0) return fail_errno(place, "cannot be put in place");
    return {};
  }
  if (!S_ISDIR(info.st_mode))
    return fail(Code::storage_unavailable, place.string() + " is not a folder; remove what is there");
  if (::renameat2(AT_FDCWD, fresh.c_str(), AT_FDCWD, place.c_str(), RENAME_EXCHANGE) != 0)
    return fail_errno(place, "cannot be exchanged (wanted a file system that has RENAME_EXCHANGE, as ext4 and xfs)");
  return {};
}

class Folder final : public Publisher {
 public:
  explicit Folder(fs::path path) : path_(std::move(path)) {}

  bool wants_whitelists() const override { return false; }

  Result<> publish(const Bundle& bundle, const Whitelists&) override {
    // Ids are checked where participants are added; a path is made of none that was not looked at here, too.
    if (!is_name(bundle.dfsp_id)) return fail(Code::internal, "a DFSP's id that is no name was to become a folder");
    const UniqueFd folder = TRY(open_now());
    const UniqueFd turn = TRY(take_turn(folder, path_));
    const Files files = files_of(bundle);
    const fs::path place = path_ / bundle.dfsp_id;
    const fs::path fresh = path_ / ("." + bundle.dfsp_id + ".new");
    TRY(remove_tree(fresh));  // of a publication that was cut off
    if (is_folder(place) && holds(place, files)) return {};
    const auto published = replace(fresh, place, files);
    if (const auto removed = remove_tree(fresh); !removed)
      log::warning("what was published before could not be removed", {{"problem", removed.error().message}});
    return published;
  }

  void stop() override {}

 private:
  Result<UniqueFd> open_now() const {
    auto folder = open_checked(path_);
    if (!folder) return fail(Code::storage_unavailable, folder.error().message);
    return folder;
  }

  static bool is_folder(const fs::path& path) {
    struct stat info {};
    return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  }

  Result<> replace(const fs::path& fresh, const fs::path& place, const Files& files) const {
    TRY(write_tree(fresh, files));
    TRY(exchange(fresh, place));
    return sync(path_);
  }

  const fs::path path_;
};

}  // namespace

Result<std::unique_ptr<Publisher>> open_folder(const fs::path& folder) {
  if (const auto opened = open_checked(folder); !opened)
    return fail(opened.error().code, "[publish] directory: " + opened.error().message);
  return std::make_unique<Folder>(folder);
}

}  // namespace hubseal::agent::publish
