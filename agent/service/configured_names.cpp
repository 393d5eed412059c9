#include "agent/service/configured_names.h"

#include <algorithm>

#include <fmt/ranges.h>

#include "agent/service/hub_jws_rotation.h"
#include "agent/service/signing_daemon.h"
#include "common/log.h"

namespace hubseal::agent {
namespace {

using Kind = ConfiguredName::Kind;

/// In words; nothing where `wanted` is among them.
std::optional<std::string> unless_among(const std::vector<std::string>& names, const std::string& wanted) {
  if (std::find(names.begin(), names.end(), wanted) != names.end()) return std::nullopt;
  return names.empty() ? "none" : log::printable(fmt::format("{}", fmt::join(names, ", ")));
}

Result<std::optional<std::string>> in_place_of_issuer(SigningDaemon& daemon, const std::vector<std::string>& cas,
                                                      const std::string& wanted) {
  if (auto found = unless_among(cas, wanted)) return found;
  if (TRY(daemon.get_ca(wanted)).issues) return std::nullopt;
  return "one of this name that issues nothing, see hubseal status";
}

Result<std::optional<std::string>> in_place_of_jws_key(SigningDaemon& daemon, const std::string& wanted) {
  const auto keys = TRY(daemon.list_keys());
  if (!jws_line(keys, wanted).empty()) return std::nullopt;
  std::vector<std::string> labels;
  for (const SigningDaemon::Key& key : keys)
    if (key.use == "jws") labels.push_back(key.label);
  return unless_among(labels, wanted);
}

/// What there is in its place, in words; nothing where hubseald has it.
Result<std::optional<std::string>> in_place_of(SigningDaemon& daemon, const Result<SigningDaemon::Offer>& offer,
                                               const ConfiguredName& name) {
  switch (name.kind) {
    case Kind::ca: return unless_among(TRY(offer).cas, name.value);
    case Kind::issuer: return in_place_of_issuer(daemon, TRY(offer).cas, name.value);
    case Kind::profile: return unless_among(TRY(offer).profiles, name.value);
    case Kind::jws_key: return in_place_of_jws_key(daemon, name.value);
  }
  return std::nullopt;
}

}  // namespace

Result<> require_names(SigningDaemon& daemon, const std::vector<ConfiguredName>& names) {
  const auto offer = daemon.offer();
  for (const ConfiguredName& name : names)
    if (const auto found = TRY(in_place_of(daemon, offer, name)))
      return fail(Code::conflict,
                  fmt::format("hubseald does not have \"{}\", or does not open it to this agent ({} of the "
                              "agent's configuration); found {}",
                              name.value, name.key, *found));
  return {};
}

ConfiguredNames::ConfiguredNames(SigningDaemon& daemon, std::vector<ConfiguredName> names,
                                 std::chrono::milliseconds pause)
    : daemon_(daemon), names_(std::move(names)), rounds_(pause, [this] { return !looked(); }) {}

/// What hubseald refuses to say today it refuses until somebody has changed its configuration.
bool ConfiguredNames::looked() {
  const auto offer = daemon_.offer();
  std::vector<Result<std::optional<std::string>>> answers;
  for (const ConfiguredName& name : names_) {
    answers.push_back(in_place_of(daemon_, offer, name));
    if (!answers.back() && answers.back().error().code != Code::internal) return false;
  }
  bool has_all = true;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    const auto& [kind, key, value] = names_[i];
    const auto& found = answers[i];
    if (!found)
      log::warning("whether hubseald has what agent.toml names is not known",
                   {{"key", key}, {"value", value}, {"problem", found.error().message}});
    else if (*found)
      log::warning("agent.toml names what hubseald does not have, or does not open to this agent",
                   {{"key", key}, {"value", value}, {"found", **found}});
    has_all = has_all && found && !*found;
  }
  if (has_all) log::info("hubseald has all that agent.toml names");
  return true;
}

}  // namespace hubseal::agent
