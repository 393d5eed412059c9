#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/advice.h"
#include "cli/ceremony/ceremony.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

constexpr std::chrono::seconds kReady{120};   // a network HSM takes its time
constexpr std::chrono::seconds kAnswers{10};  // the token is open by then: what is wrong still is so for longer
constexpr std::chrono::seconds kCheck{60};
constexpr std::chrono::seconds kEnding{2};  // one that is ending hangs up as well
constexpr std::chrono::milliseconds kBetweenAsks{100};
constexpr std::size_t kShownOutput = 4096;

/// The daemon's word on itself; hsm_unavailable while nobody listens.
Result<Json> ask_health(const Session& session) { return session.call("health", Json::object()); }

/// One that people have sealed is as it shall be: what is there already is found, and nothing is made. So is one that
/// has trouble with other CAs only.
bool is_ready(const Json& health, const CeremonyPlan& plan) {
  if (text_of(health, "status") == "ready" || is_sealed(health)) return true;
  const std::vector<std::string> others = problems_of_others(health, plan.ca.ca);
  return !others.empty() && others.size() == member_of(health, "problems").size();
}

std::string problems_of(const Json& health) {
  std::string problems;
  for (const Json& problem : member_of(health, "problems"))
    problems +=
        (problems.empty() ? "" : "; ") + (problem.is_string() ? problem.get<std::string>() : dump_json(problem));
  return problems.empty() ? "it names no reason" : problems;
}

tl::unexpected<Error> not_ready(const std::string& why) {
  return fail(Code::hsm_unavailable, "hubseald is not ready: " + why);
}

/// It knows no such user, and no waiting helps.
tl::unexpected<Error> stranger(const Error& error) {
  return fail(Code::forbidden,
              error.message + "; hubseal init needs the [[peer]] entry \"ceremony\" of hubseald.toml, or one like it");
}

/// Its last word: what it says before, it says again when it ends.
std::string last_line(std::string_view errors) {
  while (errors.ends_with('\n')) errors.remove_suffix(1);
  const std::string_view line = errors.substr(errors.rfind('\n') + 1);
  return line.empty() ? "it said nothing" : std::string(line);
}

/// What to do about a key of the CA that people have stopped, by its state; empty for one that is not stopped.
std::string way_on(const std::string& state, const CaWish& ca) {
  if (state == "suspended" || state == "pre_activation")
    return fmt::format("start hubseald, then: hubseal key activate {}", ca.key);
  if (state == "deactivated" || state == "compromised" || state == "destroyed")
    return fmt::format(
        "that is for good. Start hubseald and make the CA that takes over (hubseal ca create --ca {0}-2 "
        "--help), then: hubseal ca retire {0} --successor {0}-2",
        ca.ca);
  return {};
}

/// No waiting mends a key that people have stopped.
Result<> check_not_stopped(const Session& session, const CeremonyPlan& plan) {
  const auto answer = session.call("list_keys", Json::object());
  if (!answer) return {};  // whether the daemon is ready is told by its health
  for (const Json& key : member_of(*answer, "keys")) {
    const std::string state = text_of(key, "state"), then = way_on(state, plan.ca);
    if (text_of(key, "label") != plan.ca.key || then.empty()) continue;
    return fail(Code::policy_denied,
                fmt::format("key \"{}\" of CA {} is {}: the CA signs neither certificates nor lists; {}", plan.ca.key,
                            plan.ca.ca, state, then));
  }
  return {};
}

/// Asks until the answer is "ready", the child has ended or patience has.
Result<> await_ready(Child& child, const Session& session, const CeremonyPlan& plan) {
  std::string why = "it does not answer";
  print_progress("waiting for hubseald...\n");
  bool answered = false;
  auto deadline = std::chrono::steady_clock::now() + kReady;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto status = child.wait(kBetweenAsks)) return ended("hubseald", *status, child.errors(kShownOutput));
    const auto health = ask_health(session);
    if (health && is_ready(*health, plan)) return {};
    if (!health && was_turned_away(health.error())) {
      if (const auto status = child.wait(kEnding)) return ended("hubseald", *status, child.errors(kShownOutput));
      return stranger(health.error());
    }
    if (health) TRY(check_not_stopped(session, plan));
    if (health && !answered) deadline = std::min(deadline, std::chrono::steady_clock::now() + kAnswers);
    answered = answered || health;
    why = health ? problems_of(*health) : health.error().message;
  }
  return not_ready(fmt::format("{}; {}", why, last_line(child.errors(kShownOutput))));
}

Code code_of_exit(int status) {
  switch (status) {
    case static_cast<int>(ExitCode::usage): return Code::bad_request;
    case static_cast<int>(ExitCode::refused): return Code::conflict;
    case static_cast<int>(ExitCode::unavailable): return Code::hsm_unavailable;
    default: return Code::internal;
  }
}

}  // namespace

tl::unexpected<Error> ended(const std::string& command, int status, const std::string& errors) {
  return fail(code_of_exit(status), fmt::format("{} ended with status {}: {}", command, status, last_line(errors)));
}

Result<> check_config(const CeremonyPlan& plan) {
  Child child = TRY(Child::start({hubseald_path(plan), "--config", plan.config.string(), "--check-config"}));
  const auto status = child.wait(kCheck);
  if (!status)
    return fail(Code::internal, fmt::format("hubseald --check-config is not done after {} s", kCheck.count()));
  if (*status != 0) return ended("hubseald --check-config", *status, child.errors(kShownOutput));
  return {};
}

bool is_sealed(const Json& health) { return member_of(health, "sealed") == Json(true); }

std::vector<std::string> problems_of_others(const Json& health, const std::string& ca) {
  std::vector<std::string> problems;
  for (const Json& one : member_of(health, "ca_problems"))
    if (text_of(one, "ca") != ca) problems.push_back(text_of(one, "problem"));
  return problems;
}

std::string hubseald_path(const CeremonyPlan& plan) {
  if (!plan.hubseald.empty()) return plan.hubseald;
  std::error_code unreadable;
  const auto own = std::filesystem::read_symlink("/proc/self/exe", unreadable);
  // Beside this program, as installed in one folder, or in the build tree.
  for (const auto& candidate : {own.parent_path() / "hubseald", own.parent_path() / "../daemon/hubseald"})
    if (!unreadable && ::access(candidate.c_str(), X_OK) == 0) return candidate.lexically_normal().string();
  return "/usr/sbin/hubseald";
}

Result<std::optional<Child>> ensure_daemon(const CeremonyPlan& plan, const Session& session, Report& report) {
  if (const auto health = ask_health(session)) {
    if (!is_ready(*health, plan)) {
      TRY(check_not_stopped(session, plan));
      return not_ready(problems_of(*health));
    }
    report.step("hubseald", "is running, at " + session.socket);
    return std::nullopt;
  } else if (was_turned_away(health.error())) {
    return stranger(health.error());
  } else if (health.error().code != Code::hsm_unavailable) {
    return tl::unexpected(health.error());
  }
  Child child = TRY(Child::start({hubseald_path(plan), "--config", plan.config.string()}));
  TRY(await_ready(child, session, plan));
  report.step("hubseald", "started for this ceremony");
  return std::optional<Child>(std::move(child));
}

}  // namespace hubseal::cli
