// hubseal status: whether the daemon would sign now, and with what.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/authorities.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

std::string duration_text(const Json& seconds) {
  const auto total = seconds.is_number_integer() ? seconds.get<std::int64_t>() : 0;
  if (total < 120) return fmt::format("{} s", total);
  if (total < 2 * 3600) return fmt::format("{} min", total / 60);
  if (total < 48 * 3600) return fmt::format("{} h {} min", total / 3600, total / 60 % 60);
  return fmt::format("{} days", total / 86400);
}

/// What a peer may not read (an auditor sees no keys) is left out, not an error, and not asked for: a refusal is an
/// entry in the audit log.
bool may(const Json& version, std::string_view op) {
  for (const Json& operation : member_of(version, "operations"))
    if (operation == op) return true;
  return false;
}

struct Status {
  Json all = Json::object();  ///< what --json prints
  std::string no_keys;        ///< why the keys cannot be looked at: the token is away
};

Result<Status> fetch(const Session& session) {
  Status status;
  Json& all = status.all;
  all["health"] = TRY(session.call("health", Json::object()));
  const Json version = TRY(session.call("version", Json::object()));
  if (may(version, "list_keys")) {
    const auto answer = session.call("list_keys", Json::object());
    if (answer)
      all["keys"] = member_of(*answer, "keys");
    else
      status.no_keys = answer.error().message;
  }
  const bool may_get = may(version, "get_ca");
  Json cas = Json::array();
  for (const Json& name : member_of(all["health"], "cas"))
    cas.push_back(may_get ? TRY(session.call("get_ca", {{"ca", name}})) : Json{{"ca", name}});
  all["cas"] = std::move(cas);
  all["version"] = version;
  return status;
}

std::string count_of(const Json& object, std::string_view member, std::string_view thing) {
  const Json& count = member_of(object, member);
  return counted(count.is_number_unsigned() ? count.get<std::uint64_t>() : 0, thing);
}

std::string files_text(const Json& policy) {
  const std::string files = text_of(policy, "files");
  if (files == "same") return "as in the files";
  return files == "differ" ? "the files say something else: hubseal policy show" : "the files cannot be read";
}

std::string render_health(const Json& health, const Json& version, const std::string& no_keys) {
  const Json& token = member_of(health, "token");
  const Json& audit = member_of(health, "audit");
  const bool plugged = member_of(token, "ready") == Json(true);
  std::vector<std::pair<std::string, std::string>> pairs = {
      {"hubseald",
       fmt::format("{}, up {}", text_of(health, "status"), duration_text(member_of(health, "uptime_seconds")))},
      {"version", fmt::format("{}, protocol {}, {}", text_of(version, "version"), text_of(version, "protocol"),
                              text_of(version, "openssl"))},
      {"module", text_of(version, "module")},
      {"token", plugged
                    ? fmt::format("{}, serial {}, generation {}, {}", text_of(token, "label"), text_of(token, "serial"),
                                  text_of(token, "generation"), count_of(token, "sessions", "session"))
                    : fmt::format("{}: not ready", text_of(token, "label"))},
      {"audit log", fmt::format("{}, {}", member_of(audit, "writable") == Json(true) ? "writable" : "NOT WRITABLE",
                                count_of(audit, "records", "record"))}};
  // Whoever may not look at CAs knows their names, and no more to fill a table with.
  if (!may(version, "get_ca")) {
    std::string names;
    for (const Json& name : member_of(health, "cas"))
      names.append(names.empty() ? "" : ", ").append(name.is_string() ? name.get<std::string>() : dump_json(name));
    if (!names.empty()) pairs.emplace_back("CAs", names);
  }
  if (const Json& policy = member_of(health, "policy"); !policy.is_null())
    pairs.emplace_back("policy", fmt::format("version {}, {}", text_of(policy, "version"), files_text(policy)));
  for (const Json& problem : member_of(health, "problems"))
    pairs.emplace_back("problem", problem.is_string() ? problem.get<std::string>() : dump_json(problem));
  if (!no_keys.empty()) pairs.emplace_back("keys", "cannot be looked at: " + no_keys);
  for (const Json& note : member_of(health, "notes"))
    pairs.emplace_back("note", note.is_string() ? note.get<std::string>() : dump_json(note));
  return render_pairs(pairs);
}

struct Nothing {};

Result<ExitCode> status(const Session& session, const Nothing&) {
  const auto [all, no_keys] = TRY(fetch(session));
  if (session.json) {
    session.print_json(all);
  } else {
    print(render_health(all["health"], all["version"], no_keys));
    if (may(all["version"], "get_ca")) print("\n" + render_cas(all["cas"]));
    if (all.contains("keys")) print("\n" + render_keys(all["keys"]));
  }
  const bool ready = text_of(all["health"], "status") == "ready" && no_keys.empty();
  return ready ? ExitCode::ok : ExitCode::unavailable;
}

}  // namespace

void add_status(CLI::App& app, Session& session) {
  CLI::App* asked = command(app, "status", "Whether hubseald would sign now, its CAs and keys (exit 0: ready, 4: not)",
                            "  hubseal status\n  hubseal --json status | jq .health.status\n");
  on(asked, session, std::make_shared<Nothing>(), status);
}

}  // namespace hubseal::cli
