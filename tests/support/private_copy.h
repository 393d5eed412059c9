#pragma once

#include <filesystem>

namespace hubseal::test {

/// A file, or every file of a folder, as a copy that only its owner can change: hubseald takes its
/// configuration from nowhere else, and a checkout may lie where others can write.
inline void copy_private(const std::filesystem::path& from, const std::filesystem::path& to) {
  namespace fs = std::filesystem;
  if (fs::is_directory(from)) {
    fs::create_directories(to);
    for (const auto& entry : fs::directory_iterator(from)) copy_private(entry.path(), to / entry.path().filename());
    return;
  }
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
}

}  // namespace hubseal::test
