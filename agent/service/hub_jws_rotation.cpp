#include "agent/service/hub_jws_rotation.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

#include "common/number.h"

namespace hubseal::agent {
namespace {

constexpr int kHighestNumber = 999'999;

/// 1 for `first` itself, n for "first-n"; nothing for another name.
std::optional<int> number_of(std::string_view label, std::string_view first) {
  if (label == first) return 1;
  if (!label.starts_with(first) || label.substr(first.size(), 1) != "-") return std::nullopt;
  const std::string_view digits = label.substr(first.size() + 1);
  if (digits.starts_with('0')) return std::nullopt;
  return parse_number<int>(digits, 2, kHighestNumber);
}

std::vector<SigningDaemon::Key> in_state(const std::vector<SigningDaemon::Key>& family, std::string_view state) {
  std::vector<SigningDaemon::Key> found;
  std::copy_if(family.begin(), family.end(), std::back_inserter(found),
               [&](const SigningDaemon::Key& key) { return key.state == state; });
  return found;
}

}  // namespace

std::vector<SigningDaemon::Key> jws_family(std::vector<SigningDaemon::Key> keys, std::string_view first) {
  std::erase_if(keys, [&](const SigningDaemon::Key& key) { return key.use != "jws" || !number_of(key.label, first); });
  std::sort(keys.begin(), keys.end(),
            [&](const auto& a, const auto& b) { return *number_of(a.label, first) < *number_of(b.label, first); });
  return keys;
}

std::string next_jws_steps(const std::vector<SigningDaemon::Key>& family, std::string_view first) {
  const auto active = in_state(family, "active");
  const auto prepared = in_state(family, "pre_activation");
  if (!prepared.empty())
    return fmt::format(
        "The key \"{0}\" is prepared. On the signing host: name it in keys of the hub's services (hubseald.toml, then "
        "restart "
        "hubseald), hubseal key activate {0}, and let the services sign with it at once; participants are shown it "
        "from then on",
        prepared.back().label);
  if (active.size() > 1)
    return fmt::format(
        "\"{}\" and \"{}\" are both shown. When the hub's services sign with the latter and participants have fetched "
        "it, "
        "on the signing host: hubseal key deactivate {}",
        active[active.size() - 2].label, active.back().label, active[active.size() - 2].label);
  const std::string next = fmt::format("{}-{}", first, family.empty() ? 2 : *number_of(family.back().label, first) + 1);
  return fmt::format(
      "The hub's security team makes a new key on the signing host: hubseal key create {0} --type {1} --use jws "
      "--pre-activation; names it in keys of the hub's services (hubseald.toml, then a restart of hubseald); hubseal "
      "key "
      "activate {0}, from when on participants are shown it beside the old one; lets the services sign with it at "
      "once; and, "
      "when participants have fetched it, hubseal key deactivate {2}",
      next, family.empty() ? "rsa_2048" : family.back().type,
      active.empty() ? std::string(first) : active.back().label);
}

}  // namespace hubseal::agent
