// hubseal ca install, import, cross, retire, bundle: CAs under an outside root, and from one root to the next.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "cli/views.h"
#include "common/x509/pem.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxFile = 128 * 1024, kMaxCrlFile = 768 * 1024;
constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----";

struct Options {
  std::string ca, key, by, successor, out, certificate, chain;
  std::string profile = "hub-root";
  std::string crl;
  bool no_crl = false;
  bool force = false, intermediates = false, last = false;
};

/// PEM, or DER as it stands in crl_dir.
Result<std::string> read_crl(const std::string& file) {
  std::string text = TRY(read_input(file, kMaxCrlFile));
  if (text.starts_with("-----BEGIN")) return text;
  return x509::pem_of_der(as_bytes(text), "X509 CRL");
}

Result<ExitCode> install(const Session& session, const Options& options) {
  const Json ca = TRY(session.call("install_ca", {{"ca", options.ca},
                                                  {"certificate", TRY(read_input(options.certificate, kMaxFile))},
                                                  {"chain", TRY(read_input(options.chain, kMaxFile))}}));
  session.json ? session.print_json(ca) : print(render_ca(ca));
  return ExitCode::ok;
}

Result<ExitCode> import(const Session& session, const Options& options) {
  Json fields = {{"ca", options.ca},
                 {"key", options.key.empty() ? options.ca : options.key},
                 {"profile", options.profile},
                 {"certificate", TRY(read_input(options.certificate, kMaxFile))}};
  if (!options.chain.empty()) fields["chain"] = TRY(read_input(options.chain, kMaxFile));
  if (!options.crl.empty()) fields["crl"] = TRY(read_crl(options.crl));
  if (options.no_crl) fields["no_crl"] = true;
  const Json ca = TRY(session.call("import_ca", fields));
  session.json ? session.print_json(ca) : print(render_ca(ca));
  return ExitCode::ok;
}

Result<ExitCode> cross(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, kCertificate));
  const Json certificate = TRY(session.call("cross_certify", {{"ca", options.ca}, {"by", options.by}}));
  TRY(deliver(session, certificate, render_certificate(certificate),
              {artefact_in(certificate, "certificate"), options.out, options.force}));
  return ExitCode::ok;
}

Result<ExitCode> retire(const Session& session, const Options& options) {
  Json fields = {{"ca", options.ca}};
  if (!options.successor.empty()) fields["successor"] = options.successor;
  if (options.last) fields["last"] = true;
  const Json ca = TRY(session.call("retire_ca", fields));
  session.json ? session.print_json(ca) : print(render_ca(ca));
  return ExitCode::ok;
}

Result<ExitCode> bundle(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, kCertificate));
  const Json bundle = TRY(session.call("get_trust_bundle", Json::object()));
  const Json& wanted = member_of(bundle, options.intermediates ? "intermediates" : "anchors");
  std::string pem;
  for (const Json& one : wanted) pem += one.get<std::string>();
  const std::string summary = counted(wanted.size(), options.intermediates ? "intermediate" : "root") + "\n";
  TRY(deliver(session, bundle, summary, {pem, options.out, options.force}));
  return ExitCode::ok;
}

void add_name(CLI::App* command, Options& options, const char* description) {
  command->add_option("name", options.ca, description)->required()->type_name("NAME");
}

void add_out(CLI::App* command, Options& options) {
  command->add_option("--out", options.out, "Write it into this file")->type_name("FILE");
  command->add_flag("--force", options.force, "Replace a file that holds something else");
}

void add_outside(CLI::App& ca, Session& session) {
  const auto installed = std::make_shared<Options>();
  CLI::App* installing = command(ca, "install", "Bring in what an outside root made of a CA's CSR: it is checked first",
                                 "  hubseal ca install hub-sub --certificate hub-sub.pem --chain chain.pem\n");
  add_name(installing, *installed, "The CA that waits for its certificate");
  installing->add_option("--certificate", installed->certificate, "Its certificate, PEM")
      ->required()
      ->type_name("FILE");
  installing->add_option("--chain", installed->chain, "From who signed it up to the self-signed root, PEM, root last")
      ->required()
      ->type_name("FILE");
  on(installing, session, installed, install);

  const auto imported = std::make_shared<Options>();
  CLI::App* importing =
      command(ca, "import", "Take over a CA whose key is in the token already, made by another program",
              "  hubseal ca import old-ca --certificate old-ca.pem --crl old-ca.crl\n");
  add_name(importing, *imported, "Name of the CA here");
  importing->add_option("--key", imported->key, "Label of its key here [the CA's name]")->type_name("LABEL");
  importing->add_option("--profile", imported->profile, "A profile of kind \"ca\" that is as wide")
      ->capture_default_str()
      ->type_name("NAME");
  importing->add_option("--certificate", imported->certificate, "Its certificate, PEM")->required()->type_name("FILE");
  importing->add_option("--chain", imported->chain, "As for install; a self-signed root needs none")->type_name("FILE");
  CLI::Option* crl =
      importing->add_option("--crl", imported->crl, "Its newest CRL, PEM or DER: what it revoked stays revoked")
          ->type_name("FILE");
  importing->add_flag("--no-crl", imported->no_crl, "It never had one")->excludes(crl);
  on(importing, session, imported, import);
}

}  // namespace

void add_ca_rotation(CLI::App& ca, Session& session) {
  add_outside(ca, session);

  const auto crossed = std::make_shared<Options>();
  CLI::App* crossing =
      command(ca, "cross", "Certify a CA's name and key by another CA of this hub (RFC 5280 section 3.2)",
              "  hubseal ca cross hub-ca-2 --by hub-ca --out new-with-old.pem\n"
              "  hubseal ca cross hub-ca --by hub-ca-2 --out old-with-new.pem\n");
  add_name(crossing, *crossed, "The CA that is certified");
  crossing->add_option("--by", crossed->by, "The CA that certifies it")->required()->type_name("NAME");
  add_out(crossing, *crossed);
  on(crossing, session, crossed, cross);

  const auto retired = std::make_shared<Options>();
  CLI::App* retiring = command(ca, "retire",
                               "A CA never issues again; its CRL and OCSP go on until it ends. It wants --successor or "
                               "--last",
                               "  hubseal ca retire hub-ca --successor hub-ca-2\n  hubseal ca retire hub-ca --last\n");
  add_name(retiring, *retired, "The CA that is to issue no more");
  CLI::Option* successor =
      retiring->add_option("--successor", retired->successor, "The CA that issues instead; it must do so already")
          ->type_name("NAME");
  retiring->add_flag("--last", retired->last, "No CA issues instead: nothing is certified or renewed by it any more")
      ->excludes(successor);
  on(retiring, session, retired, retire);

  const auto bundled = std::make_shared<Options>();
  CLI::App* bundling = command(ca, "bundle", "The roots that participants must trust now, PEM",
                               "  hubseal ca bundle --out trust-bundle.pem\n  hubseal ca bundle --intermediates\n");
  bundling->add_flag("--intermediates", bundled->intermediates, "Cross-certificates and what lies below outside roots");
  add_out(bundling, *bundled);
  on(bundling, session, bundled, bundle);
}

}  // namespace hubseal::cli
