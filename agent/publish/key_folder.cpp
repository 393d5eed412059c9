#include "agent/publish/key_folder.h"

#include <optional>
#include <vector>

#include <fmt/format.h>

#include "agent/publish/own_folder.h"
#include "common/fields.h"
#include "common/files.h"

namespace hubseal::agent::publish {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEnd = ".pem";
constexpr std::size_t kMaxFileBytes = 64 * 1024;

/// Of whom a file is a key, or was to become one when its writer was killed ("bank1.pem.Xy1a2b"). Nothing: no key.
std::optional<std::string> owner_of(const std::string& file) {
  const std::size_t end = file.rfind(kEnd);
  if (end == std::string::npos || (end + kEnd.size() != file.size() && file[end + kEnd.size()] != '.'))
    return std::nullopt;
  return file.substr(0, end);
}

Result<std::vector<std::string>> key_files(const fs::path& path) {
  std::error_code problem;
  std::vector<std::string> names;
  for (fs::directory_iterator entry(path, problem), end; !problem && entry != end; entry.increment(problem))
    if (std::string name = entry->path().filename().string(); owner_of(name)) names.push_back(std::move(name));
  if (problem)
    return fail(Code::storage_unavailable, fmt::format("{} cannot be listed: {}", path.string(), problem.message()));
  return names;
}

}  // namespace

Result<KeyFolder> KeyFolder::open(fs::path path) {
  const UniqueFd folder = TRY(open_own_folder(path));
  if (!was_used(folder))
    if (const auto there = TRY(key_files(path)); !there.empty())
      return fail(Code::bad_request,
                  fmt::format("{} holds {}, which no agent has put there and which would be removed; wanted a folder "
                              "of its own for the keys that are published",
                              path.string(), there.front()));
  TRY(take_turn(folder, path));
  return KeyFolder(std::move(path));
}

Result<KeyFolder::Changes> KeyFolder::hold(const KeyFiles& keys) const {
  const auto folder = open_own_folder(path_);
  if (!folder) return fail(Code::storage_unavailable, folder.error().message);
  const UniqueFd turn = TRY(take_turn(*folder, path_));
  Changes changes;
  Result<> all = {};  // what is wrong with one file keeps no other from being written or removed
  const auto count = [&](const Result<>& done, std::size_t& counted) {
    if (done) ++counted;
    if (!done && all) all = done;
  };
  for (const auto& [id, pem] : keys) {
    // Ids are checked where participants are added; a path is made of none that was not looked at here, too.
    if (!is_name(id)) return fail(Code::internal, "a participant's id that is no name was to become a file");
    const fs::path place = path_ / (id + std::string(kEnd));
    const auto there = read_file(place, kMaxFileBytes, Trust::config);
    if (!there || *there != pem) count(write_file(place, as_bytes(pem), kFileMode), changes.written);
  }
  for (const std::string& name : TRY(key_files(path_)))
    if (const auto owner = owner_of(name); name != *owner + std::string(kEnd) || !keys.contains(*owner))
      count(remove_file(path_ / name), changes.removed);
  if (!all) return tl::unexpected(all.error());
  return changes;
}

}  // namespace hubseal::agent::publish
