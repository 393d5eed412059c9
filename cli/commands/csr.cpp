// hubseal csr: requests for certificates that the hub itself needs from others.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/subject.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string label;
  std::string type = "rsa_4096";
  std::string subject;
  std::vector<std::string> dns;
  std::vector<std::string> ip;
  std::string out;
  bool force = false;
};

Result<ExitCode> create(const Session& session, const Options& options) {
  Json fields = {{"label", options.label}, {"type", options.type}};
  TRY(check_output(options.out, options.force));  // the key signs this one CSR, once
  fields["subject"] = TRY(parse_subject(options.subject));
  if (!options.dns.empty()) fields["dns"] = options.dns;
  if (!options.ip.empty()) fields["ip"] = options.ip;
  print_progress(fmt::format("making {} ({}) in the token...\n", options.label, options.type));
  const Json answer = TRY(session.call("create_csr", fields, Work::key_generation));
  const std::string summary =
      render_pairs({{"label", text_of(answer, "label")}, {"key id", text_of(answer, "key_id")}});
  TRY(deliver(session, answer, summary, {artefact_in(answer, "csr"), options.out, options.force}));
  return ExitCode::ok;
}

Result<ExitCode> for_key(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force));
  const Json answer =
      TRY(session.call("csr_for_key", {{"key", options.label}, {"subject", TRY(parse_subject(options.subject))}}));
  const std::string summary =
      render_pairs({{"label", text_of(answer, "label")}, {"key id", text_of(answer, "key_id")}});
  TRY(deliver(session, answer, summary, {artefact_in(answer, "csr"), options.out, options.force}));
  return ExitCode::ok;
}

void add_for_key(CLI::App& csr, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* asking = command(csr, "for-key", "Have a key for JWS that is there sign a CSR, for its certificate",
                             "  hubseal csr for-key hub-jws --subject \"CN=hub,O=Example Hub,C=KE\" --out hub-jws.csr\n"
                             "  hubseal cert issue --ca hub-ca --profile jws --participant hub --csr hub-jws.csr\n");
  asking->add_option("label", options->label, "Name of the key")->required()->type_name("LABEL");
  asking->add_option("--subject", options->subject, "Distinguished name: CN, O, C and, if wanted, OU, L, ST")
      ->required()
      ->type_name("DN");
  asking->add_option("--out", options->out, "Write the CSR into this file")->type_name("FILE");
  asking->add_flag("--force", options->force, "Replace a file that holds something else");
  on(asking, session, options, for_key);
}

}  // namespace

void add_csr(CLI::App& app, Session& session) {
  CLI::App* csr =
      command(app, "csr", "CSRs for the hub's own keys: create, for-key",
              "  hubseal csr create hub-client-bank1 --subject \"CN=hub.example.com,O=Example Hub,C=KE\"\n");
  csr->require_subcommand(1);

  const auto options = std::make_shared<Options>();
  CLI::App* creating =
      command(*csr, "create", "Make a new TLS key in the token and the one CSR that it signs",
              "  hubseal csr create hub-client-bank1 --subject \"CN=hub.example.com,O=Example Hub,C=KE\" \\\n"
              "      --dns hub.example.com --ip 192.0.2.10 --out hub-client-bank1.csr\n");
  creating->add_option("label", options->label, "Name of the new key")->required()->type_name("LABEL");
  creating->add_option("--type", options->type, "Kind of key")
      ->capture_default_str()
      ->check(CLI::IsMember(key_type_words()));
  creating->add_option("--subject", options->subject, "Distinguished name: CN, O, C and, if wanted, OU, L, ST")
      ->required()
      ->type_name("DN");
  creating->add_option("--dns", options->dns, "DNS name; may be repeated")->take_all()->type_name("NAME");
  creating->add_option("--ip", options->ip, "IPv4 or IPv6 address; may be repeated")->take_all()->type_name("ADDRESS");
  creating->add_option("--out", options->out, "Write the CSR into this file")->type_name("FILE");
  creating->add_flag("--force", options->force, "Replace a file that holds something else");
  on(creating, session, options, create);
  add_for_key(*csr, session);
}

}  // namespace hubseal::cli
