#include "agent/store/location.h"

#include <algorithm>
#include <array>
#include <map>

#include <fmt/format.h>

namespace hubseal::agent::store {
namespace {

constexpr std::array<std::string_view, 10> kKeys = {
    "host",    "port",        "dbname",  "user",   "passfile",
    "sslmode", "sslrootcert", "sslcert", "sslkey", "target_session_attrs"};

using Settings = std::map<std::string, std::string, std::less<>>;

/// The part before `separator`, which is taken off `text` with it.
std::string_view take_until(std::string_view& text, char separator) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(part.size() + 1, text.size()));
  return part;
}

Result<Settings> parse(std::string_view connection) {
  Settings settings;
  while (!connection.empty()) {
    const std::string_view pair = take_until(connection, ' ');
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size())
      return fail(Code::bad_request, "wanted key=value, separated by single spaces, without spaces in a value");
    const std::string_view key = pair.substr(0, equals);
    if (key == "password")
      return fail(Code::bad_request,
                  "a password stands in it; keep it in a file of mode 0600 in the form of pgpass, and name that with "
                  "passfile=FILE");
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end())
      return fail(Code::bad_request, fmt::format("unknown key {}; wanted one of {}", key, fmt::join(kKeys, ", ")));
    if (!settings.emplace(key, pair.substr(equals + 1)).second)
      return fail(Code::bad_request, fmt::format("{} stands twice", key));
  }
  return settings;
}

bool is_on_this_host(std::string_view host) {
  return host.starts_with('/') || host == "localhost" || host == "::1" || host.starts_with("127.");
}

}  // namespace

bool is_there(const Location& location) {
  std::error_code ignored;
  return location.shared() || std::filesystem::is_regular_file(location.file, ignored);
}

Result<> check_postgresql(std::string_view connection, std::string_view where) {
  const auto refuse = [&](std::string_view problem) {
    return fail(Code::bad_request, fmt::format("{}: {}", where, problem));
  };
  const auto settings = parse(connection);
  if (!settings) return refuse(settings.error().message);
  for (const std::string_view key : {"host", "dbname"})
    if (settings->count(key) == 0) return refuse(fmt::format("{} is missing; wanted host=... dbname=...", key));
  std::string_view hosts = settings->find("host")->second;
  while (!hosts.empty()) {
    const std::string_view host = take_until(hosts, ',');
    const auto mode = settings->find("sslmode");
    if (is_on_this_host(host) || (mode != settings->end() && mode->second == "verify-full")) continue;
    return refuse(
        fmt::format("{} is reached over the network, where anybody on the way could answer for it; wanted "
                    "sslmode=verify-full and sslrootcert=FILE",
                    host));
  }
  return {};
}

}  // namespace hubseal::agent::store
