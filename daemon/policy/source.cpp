#include "daemon/policy/source.h"

#include <system_error>

#include <fmt/format.h>

#include "common/bytes.h"
#include "common/files.h"
#include "common/key_types.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kMaxFiles = 65;
constexpr std::size_t kMaxBytes = 256 * 1024;

Result<> add(PolicySource& source, const std::string& name, const std::filesystem::path& path) {
  source.files[name] = TRY(read_file(path, kMaxBytes, Trust::config));
  std::size_t bytes = 0;
  for (const auto& [other, text] : source.files) bytes += text.size();
  if (bytes <= kMaxBytes && source.files.size() <= kMaxFiles) return {};
  return fail(Code::too_large, fmt::format("policy of {} files and {} bytes; at most {} and {} are accepted",
                                           source.files.size(), bytes, kMaxFiles, kMaxBytes));
}

}  // namespace

Result<PolicySource> read_source(const PolicyFiles& files) {
  PolicySource source;
  TRY(add(source, "policy.toml", files.policy_file));
  TRY(check_trusted_path(files.profiles_dir));
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(files.profiles_dir, problem), end; !problem && entry != end;
       entry.increment(problem))
    if (entry->path().extension() == ".toml")
      TRY(add(source, "profiles/" + entry->path().filename().string(), entry->path()));
  if (problem)
    return fail(Code::not_found,
                fmt::format("folder of profiles {}: {}", files.profiles_dir.string(), problem.message()));
  return source;
}

PolicyHash hash_of(const PolicySource& source) {
  std::string listing;
  for (const auto& [name, text] : source.files)
    listing += fmt::format("{}  {}\n", to_hex(sha256(as_bytes(text))), name);
  return sha256(as_bytes(listing));
}

std::vector<std::string> differences(const PolicySource& one, const PolicySource& other) {
  std::vector<std::string> names;
  for (const auto& [name, text] : one.files)
    if (const auto found = other.files.find(name); found == other.files.end() || found->second != text)
      names.push_back(name);
  for (const auto& [name, text] : other.files)
    if (!one.files.contains(name)) names.push_back(name);
  return names;
}

}  // namespace hubseal::daemon
