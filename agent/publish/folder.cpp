#include "agent/publish/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/publish/own_folder.h"
#include "agent/publish/publisher.h"
#include "common/fields.h"
#include "common/files.h"
#include "common/log.h"
#include "common/unique_fd.h"

namespace hubseal::agent::publish {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kFolderMode = 0750;
constexpr std::size_t kMaxFileBytes = 1 << 20;

using Files = std::map<std::string, std::string>;

Files files_of(const Bundle& bundle) {
  return {{"bundle.json", dump_json(to_json(bundle)) + "\n"},
          {"ca_bundle.pem", bundle.ca_bundle},
          {"client_cert_chain.pem", bundle.client_cert_chain},
          {"client_key.uri", bundle.client_key + "\n"},
          {"whitelist.txt", fmt::format("{}\n", fmt::join(bundle.whitelist, "\n"))}};
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
    auto folder = open_own_folder(path_);
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
  if (const auto opened = open_own_folder(folder); !opened)
    return fail(opened.error().code, "[publish] directory: " + opened.error().message);
  return std::make_unique<Folder>(folder);
}

}  // namespace hubseal::agent::publish
