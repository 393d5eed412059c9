#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace hubseal::test {

/// Puts `to` in the place of the first `from` of a file; false when there is none.
inline bool replace_in(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  std::string content = text.str();
  const std::size_t at = content.find(from);
  if (at == std::string::npos) return false;
  std::ofstream(path) << content.replace(at, from.size(), to);
  return true;
}

/// The same where there must be one.
inline void must_replace_in(const std::filesystem::path& path, const std::string& from, const std::string& to) {
  if (!replace_in(path, from, to)) throw std::runtime_error(path.string() + " does not hold " + from);
}

}  // namespace hubseal::test
