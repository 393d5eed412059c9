// hubseal crl: which certificates are revoked, as a CA has signed it.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/revocation_list.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string ca = "hub-ca";
  std::string out;
};

Result<ExitCode> show(const Session& session, const Options& options) {
  TRY(check_output(options.out, true));
  const Json crl = TRY(fetch_crl(session, options.ca));
  const std::string summary = render_pairs({{"CA", text_of(crl, "ca")},
                                            {"number", text_of(crl, "number")},
                                            {"from", text_of(crl, "this_update")},
                                            {"until", text_of(crl, "next_update")},
                                            {"bytes", text_of(crl, "bytes")}});
  TRY(deliver(session, crl, summary, {artefact_in(crl, "crl"), options.out, true}));
  return ExitCode::ok;
}

}  // namespace

void add_crl(CLI::App& app, Session& session) {
  CLI::App* crl = command(app, "crl", "Certificate revocation lists: show", "  hubseal crl show --out hub-ca.crl\n");
  crl->require_subcommand(1);
  const auto options = std::make_shared<Options>();
  CLI::App* showing =
      command(*crl, "show", "The newest CRL of a CA, as PEM",
              "  hubseal crl show | openssl crl -noout -text\n  hubseal crl show hub-ca --out hub-ca.crl\n");
  showing->add_option("ca", options->ca, "The CA")->capture_default_str()->type_name("NAME");
  showing->add_option("--out", options->out, "Write it into this file, replacing what is there")->type_name("FILE");
  on(showing, session, options, show);
}

}  // namespace hubseal::cli
