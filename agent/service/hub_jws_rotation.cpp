#include "agent/service/hub_jws_rotation.h"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace hubseal::agent {
namespace {

bool is_next(const SigningDaemon::Key& key) { return key.state == "pre_activation" && key.line != key.label; }

/// Who knows one key of each participant takes the last.
auto place(const SigningDaemon::Key& key) {
  return std::tuple(!is_next(key) && key.successor.empty(), key.created_at, key.label);
}

}  // namespace

std::vector<SigningDaemon::Key> jws_line(std::vector<SigningDaemon::Key> keys, std::string_view label) {
  std::string line(label);
  for (const SigningDaemon::Key& key : keys)
    if (key.use == "jws" && key.label == label) line = key.line;
  std::erase_if(keys, [&](const SigningDaemon::Key& key) { return key.use != "jws" || key.line != line; });
  std::sort(keys.begin(), keys.end(), [](const auto& a, const auto& b) { return place(a) < place(b); });
  return keys;
}

bool is_shown(const SigningDaemon::Key& key) {
  return key.state == "active" || (key.shown && (is_next(key) || !key.successor.empty()));
}

std::string next_jws_steps(const std::vector<SigningDaemon::Key>& line, std::string_view label) {
  const auto next = std::find_if(line.begin(), line.end(), is_next);
  if (next != line.end())
    return fmt::format(
        "\"{}\" is to take over. What comes next, and when, says on the signing host: hubseal key rotation list",
        next->label);
  return fmt::format(
      "The hub's security team has the next key made on the signing host: hubseal key rotate {}. Participants are "
      "shown "
      "it before it signs, and the old one for some time after; services change nothing",
      label);
}

}  // namespace hubseal::agent
