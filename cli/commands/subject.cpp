// hubseal subject: the register of participants.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/pages.h"
#include "cli/table.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string subject, organization, country;
  std::vector<std::string> cn, dns, ip;
};

struct Nothing {};

std::string joined(const Json& names) {
  std::string text;
  for (const Json& name : names) text += (text.empty() ? "" : ", ") + name.get<std::string>();
  return text.empty() ? "-" : text;
}

std::string render_subject(const Json& subject) {
  std::vector<std::pair<std::string, std::string>> pairs = {{"participant", text_of(subject, "subject")},
                                                            {"status", text_of(subject, "status")},
                                                            {"organization", text_of(subject, "organization")},
                                                            {"country", text_of(subject, "country")},
                                                            {"since", text_of(subject, "created_at")}};
  for (const char* list : {"names", "withdrawn"})
    for (const auto& [kind, names] : member_of(subject, list).items())
      if (std::string_view(list) == "names" || !names.empty())
        pairs.emplace_back(std::string_view(list) == "names" ? kind : "withdrawn " + kind, joined(names));
  if (!member_of(subject, "certificates").is_null())
    pairs.emplace_back("certificates", text_of(subject, "certificates") + " changed");
  return render_pairs(pairs);
}

ExitCode tell(const Session& session, const Json& subject) {
  session.json ? session.print_json(subject) : print(render_subject(subject));
  return ExitCode::ok;
}

Result<ExitCode> set(const Session& session, const Options& options) {
  Json names = Json::object();
  for (const auto& [kind, values] :
       {std::pair("cn", &options.cn), std::pair("dns", &options.dns), std::pair("ip", &options.ip)})
    if (!values->empty()) names[kind] = *values;
  Json fields = {{"subject", options.subject}, {"names", names}};
  if (!options.organization.empty()) fields["organization"] = options.organization;
  if (!options.country.empty()) fields["country"] = options.country;
  return tell(session, TRY(session.call("set_subject", fields)));
}

Result<ExitCode> show(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("get_subject", {{"subject", options.subject}})));
}

Result<ExitCode> list(const Session& session, const Nothing&) {
  const Json all = TRY(fetch_pages(session, "list_subjects", "subjects", Json::object())).items;
  if (session.json) {
    session.print_json({{"subjects", all}});
    return ExitCode::ok;
  }
  Table table({"PARTICIPANT", "STATUS", "COUNTRY", "SINCE", "ORGANIZATION"});
  for (const Json& subject : all)
    table.row({text_of(subject, "subject"), text_of(subject, "status"), text_of(subject, "country"),
               text_of(subject, "created_at"), text_of(subject, "organization")});
  print(table.empty() ? "no participants yet\n" : table.render());
  return ExitCode::ok;
}

Result<ExitCode> suspend(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("suspend_subject", {{"subject", options.subject}})));
}

Result<ExitCode> resume(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("resume_subject", {{"subject", options.subject}})));
}

Result<ExitCode> off_board(const Session& session, const Options& options) {
  return tell(session, TRY(session.call("off_board_subject", {{"subject", options.subject}})));
}

void add_changes_of_status(CLI::App& subject, Session& session) {
  const auto add = [&](const char* verb, const char* about, const auto& run) {
    const auto options = std::make_shared<Options>();
    CLI::App* changing = command(subject, verb, about, fmt::format("  hubseal subject {} bank1\n", verb));
    changing->add_option("subject", options->subject, "The participant's id")->required()->type_name("NAME");
    on(changing, session, options, run);
  };
  add("suspend", "Stop a participant: nothing is issued, and every certificate that it has is put on hold", suspend);
  add("resume", "Take a suspension back, with the holds that it brought", resume);
  add("off-board",
      "End a participant for good: every certificate that it has is revoked, its id and names are kept from others",
      off_board);
}

void add_set(CLI::App& subject, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* setting = command(
      subject, "set",
      "Enter a participant, or replace all that the register says of one: what is left out is withdrawn",
      "  hubseal subject set bank1 --organization \"Bank One\" --country KE\n"
      "  hubseal subject set bank2 --organization \"Bank Two\" --country CI --cn bank2 --cn api.bank2.example \\\n"
      "      --dns www.bank2.example --ip 192.0.2.1\n");
  setting->add_option("subject", options->subject, "The participant's id (DFSP)")->required()->type_name("NAME");
  setting->add_option("--organization", options->organization, "O of its certificates; left out: none may be certified")
      ->type_name("TEXT");
  setting->add_option("--country", options->country, "C, two capital letters, likewise")->type_name("CC");
  setting->add_option("--cn", options->cn, "A CN that it may have certified; may be repeated [its id]")
      ->take_all()
      ->type_name("TEXT");
  setting->add_option("--dns", options->dns, "A DNS name, likewise")->take_all()->type_name("NAME");
  setting->add_option("--ip", options->ip, "An address, likewise")->take_all()->type_name("ADDRESS");
  on(setting, session, options, set);
}

}  // namespace

void add_subject(CLI::App& app, Session& session) {
  CLI::App* subject =
      command(app, "subject", "The register of participants (DFSPs): set, show, list, suspend, resume, off-board",
              "  hubseal subject set bank1 --organization \"Bank One\" --country KE --dns api.bank1.example\n"
              "  hubseal subject list\n");
  subject->require_subcommand(1);
  add_set(*subject, session);
  add_changes_of_status(*subject, session);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(*subject, "show", "What the register says of a participant",
                              "  hubseal subject show bank1\n  hubseal --json subject show bank1 | jq .names.dns\n");
  showing->add_option("subject", shown->subject, "The participant's id")->required()->type_name("NAME");
  on(showing, session, shown, show);

  on(command(*subject, "list", "All participants, without their names", "  hubseal subject list\n"), session,
     std::make_shared<Nothing>(), list);
}

}  // namespace hubseal::cli
