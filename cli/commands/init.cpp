// hubseal init: the ceremony of the first day, and of every test rig.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/ceremony/ceremony.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

/// Nothing is made before it is certain that the last step can be taken as well.
Result<> check_first(const CeremonyPlan& plan, const DaemonConfig& config) {
  if (!plan.ca.subject.empty()) {
    TRY(parse_subject(plan.ca.subject));
    return {};
  }
  if (config.pin_file && !std::filesystem::exists(*config.pin_file))
    return fail(Code::bad_request, "nothing is there yet: give --subject \"CN=...,O=...,C=...\" for the CA");
  return {};
}

std::string made_or_there(const Ensured& ensured, const std::string& made) {
  return ensured.created ? made : "was there already";
}

/// The same steps, in the same words, as docs/OPERATIONS.md, section 2.
std::string next_steps(const CeremonyPlan& plan, bool child) {
  return fmt::format(
      "\nNext:\n"
      "  1. Compare the SHA-256 above with everybody who will trust this CA, over a second way.\n"
      "  2. Take the SO-PIN file off this machine.\n"
      "  3. Start hubseald and look: {1}hubseal status\n"
      "  4. Take the ceremony's permissions away.\n"
      "  5. Hand out the CA's certificate: hubseal ca show {0} --out {0}.pem\n"
      "  6. Say where CRL and OCSP are, before the first certificate: crl_urls and ocsp_urls of each profile, then "
      "hubseal policy load\n"
      "  7. Add approvers, before the first emergency: hubseal approver add alice --person alice --uid 1001\n"
      "  8. Sign a first CSR: hubseal subject set bank1 --organization \"Bank One\" --country KE --cn bank1; "
      "hubseal cert issue --ca {0} --profile dfsp-client --participant bank1 --csr bank1.csr\n",
      plan.ca.ca, child ? "systemctl enable --now hubseald.service hubseal-agent.service; " : "");
}

Result<ExitCode> init(Session session, CeremonyPlan plan) {
  const DaemonConfig config = TRY(read_daemon_config(plan.config));
  TRY(check_first(plan, config));
  TRY(check_config(plan));
  if (!session.socket_given) session.socket = (config.runtime_dir / "admin.sock").string();
  if (plan.ca.key.empty()) plan.ca.key = plan.ca.ca;

  Report report(!session.json);
  TRY(ensure_token(plan, config, report));
  const std::optional<Child> child = TRY(ensure_daemon(plan, session, report));

  if (!plan.ca.subject.empty() && !session.call("get_ca", {{"ca", plan.ca.ca}}))
    TRY(check_ca(session, plan.ca, plan.ca_key_type));  // before a key is made for nothing
  const Ensured ca_key = TRY(ensure_key(session, {plan.ca.key, plan.ca_key_type, "ca"}));
  report.step(fmt::format("key {} ({})", plan.ca.key, plan.ca_key_type), made_or_there(ca_key, "made in the token"));
  const Ensured ca = TRY(ensure_ca(session, plan.ca));
  report.step("CA " + plan.ca.ca, made_or_there(ca, "created"));
  const Ensured jws = TRY(ensure_key(session, {plan.jws_key, plan.jws_key_type, "jws"}));
  report.step(fmt::format("key {} ({})", plan.jws_key, plan.jws_key_type), made_or_there(jws, "made in the token"));

  const auto health = session.call("health", Json::object());
  if (health && is_sealed(*health)) report.step("sealed", "nothing is signed until `hubseal unseal`");
  if (health)
    for (const std::string& problem : problems_of_others(*health, plan.ca.ca)) report.step("another CA", problem);

  if (session.json) {
    session.print_json(
        {{"steps", report.steps()}, {"ca", ca.object}, {"ca_key", ca_key.object}, {"jws_key", jws.object}});
  } else {
    Json shown = ca.object;
    shown["grade"] = text_of(ca_key.object, "grade");
    print("\n" + render_ca(shown) + (plan.says_next ? next_steps(plan, child.has_value()) : ""));
  }
  return ExitCode::ok;
}

}  // namespace

void add_init(CLI::App& app, Session& session) {
  const auto plan = std::make_shared<CeremonyPlan>();
  plan->ca.key.clear();
  CLI::App* starting =
      command(app, "init",
              "Set up a key room: PIN, token, keys and CA. Makes what is missing, overwrites nothing, may be repeated",
              "  sudo -u hubseal hubseal init --subject \"CN=Example Hub Root CA,O=Example Hub,C=KE\"\n"
              "  hubseal init --config rig/hubseald.toml --subject \"CN=Rig CA,O=Rig,C=KE\" --ca-key-type rsa_2048\n");
  starting->add_option("--config", plan->config, "The daemon's configuration")
      ->capture_default_str()
      ->type_name("FILE");
  starting->add_option("--subject", plan->ca.subject, "The CA's distinguished name; needed the first time")
      ->type_name("DN");
  starting->add_option("--ca", plan->ca.ca, "Name of the CA")->capture_default_str()->type_name("NAME");
  starting->add_option("--ca-key", plan->ca.key, "Label of its key [the CA's name]")->type_name("LABEL");
  starting->add_option("--ca-key-type", plan->ca_key_type, "Kind of the CA's key")
      ->capture_default_str()
      ->check(CLI::IsMember(key_type_words()));
  starting->add_option("--profile", plan->ca.profile, "The CA's profile")->capture_default_str()->type_name("NAME");
  starting->add_option("--jws-key", plan->jws_key, "Label of the key for JWS")
      ->capture_default_str()
      ->type_name("LABEL");
  starting->add_option("--jws-key-type", plan->jws_key_type, "Kind of the key for JWS")
      ->capture_default_str()
      ->check(CLI::IsMember(key_type_words()));
  starting->add_option("--so-pin-file", plan->so_pin_file, "Where the SO-PIN goes [so-pin beside the PIN file]")
      ->type_name("FILE");
  starting->add_option("--hubseald", plan->hubseald, "The daemon's program [beside this one, else /usr/sbin/hubseald]")
      ->type_name("FILE");
  starting->add_flag_callback(
      "--no-next", [plan] { plan->says_next = false; }, "Do not say what to do next: for scripts that do it");
  on(starting, session, plan, init);
}

}  // namespace hubseal::cli
