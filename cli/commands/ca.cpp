// hubseal ca: certificate authorities.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/authorities.h"
#include "cli/commands/commands.h"
#include "cli/ensure.h"
#include "cli/input_output.h"
#include "cli/subject.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE";  // or its REQUEST

struct Options {
  CaWish wish{.ca = "hub-ca", .key = "", .profile = "hub-root", .subject = "", .form = "root"};
  std::string key_type;
  std::string out;
  bool force = false;
};

/// An active CA has a certificate, one that waits for an outside root has its request.
Artefact artefact_of(const Json& ca, const Options& options) {
  const bool active = member_of(ca, "certificate").is_string();
  return {artefact_in(ca, active ? "certificate" : "csr"), options.out, options.force};
}

Result<ExitCode> create(const Session& session, Options options) {
  if (options.wish.key.empty()) options.wish.key = options.wish.ca;
  TRY(parse_subject(options.wish.subject));
  TRY(check_output(options.out, options.force));
  if (!options.key_type.empty()) {
    TRY(check_ca(session, options.wish, options.key_type));  // before a key is made for nothing
    const Ensured key = TRY(ensure_key(session, {options.wish.key, options.key_type, "ca"}));
    print_note(fmt::format("key {}: {}\n", options.wish.key, key.created ? "made in the token" : "was there already"));
  }
  const Json ca = TRY(create_ca(session, options.wish));
  TRY(deliver(session, ca, render_ca(ca), artefact_of(ca, options)));
  return ExitCode::ok;
}

Result<ExitCode> show(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, kCertificate));
  const Json ca = TRY(session.call("get_ca", {{"ca", options.wish.ca}}));
  TRY(deliver(session, ca, render_ca(ca), artefact_of(ca, options)));
  return ExitCode::ok;
}

Result<ExitCode> list(const Session& session, const Options&) {
  const Json cas = TRY(fetch_cas(session));
  if (session.json)
    session.print_json({{"cas", cas}});
  else
    print(render_cas(cas));
  return ExitCode::ok;
}

void add_out(CLI::App* command, Options& options) {
  command->add_option("--out", options.out, "Write the certificate (or CSR) into this file")->type_name("FILE");
  command->add_flag("--force", options.force, "Replace a file that holds something else");
}

}  // namespace

void add_ca(CLI::App& app, Session& session) {
  CLI::App* ca = command(app, "ca", "Certificate authorities: list, create, show, and from one root to the next",
                         "  hubseal ca list\n  hubseal ca show hub-ca\n");
  ca->require_subcommand(1);

  on(command(*ca, "list", "All CAs, and which of them issues in the place of one that was retired",
             "  hubseal ca list\n"),
     session, std::make_shared<Options>(), list);

  const auto made = std::make_shared<Options>();
  CLI::App* creating =
      command(*ca, "create", "Create a CA: a self-signed root, or a CSR for an outside root to sign",
              "  hubseal ca create --ca hub-ca --key hub-ca --key-type rsa_4096 \\\n"
              "      --subject \"CN=Example Hub Root CA,O=Example Hub,C=KE\" --out hub-ca.pem\n"
              "  hubseal ca create --ca hub-sub --key hub-sub --key-type rsa_4096 --form csr --out hub-sub.csr \\\n"
              "      --subject \"CN=Example Hub Issuing CA,O=Example Hub,C=KE\"\n");
  creating->add_option("--ca", made->wish.ca, "Name of the new CA")->required()->type_name("NAME");
  creating->add_option("--key", made->wish.key, "Label of its key [the CA's name]")->type_name("LABEL");
  creating->add_option("--key-type", made->key_type, "Make the key first, if it is not there")
      ->check(CLI::IsMember(key_type_words()));
  creating->add_option("--subject", made->wish.subject, "Distinguished name: CN, O, C and, if wanted, OU, L, ST")
      ->required()
      ->type_name("DN");
  creating->add_option("--profile", made->wish.profile, "A profile of kind \"ca\"")
      ->capture_default_str()
      ->type_name("NAME");
  creating->add_option("--form", made->wish.form, "Self-signed root, or a CSR")
      ->capture_default_str()
      ->check(CLI::IsMember({"root", "csr"}));
  add_out(creating, *made);
  on(creating, session, made, create);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(*ca, "show", "A CA's certificate, fingerprint and state",
                              "  hubseal ca show\n  hubseal ca show hub-ca > hub-ca.pem\n");
  showing->add_option("name", shown->wish.ca, "Name of the CA")->capture_default_str()->type_name("NAME");
  add_out(showing, *shown);
  on(showing, session, shown, show);
  add_ca_rotation(*ca, session);
}

}  // namespace hubseal::cli
