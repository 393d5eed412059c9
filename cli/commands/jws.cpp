// hubseal jws: signatures over JSON (RFC 7515).
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/views.h"
#include "common/bytes.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxPayloadBytes = 525 * 1024;  // 700 KiB on the wire, in base64url

struct Options {
  std::string key = "hub-jws";
  std::string payload = "-";
  bool detached = false;
  std::string out;
  bool force = false;
};

Result<ExitCode> sign(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force));
  const std::string payload = TRY(read_input(options.payload, kMaxPayloadBytes));
  if (payload.empty())
    return fail(Code::bad_request,
                fmt::format("input file {}: it is empty; wanted the bytes that are signed, in a FILE "
                            "or on standard input",
                            options.payload));
  Json fields = {{"key", options.key}, {"payload", to_base64url(as_bytes(payload))}};
  if (options.detached) fields["detached"] = true;
  const Json answer = TRY(session.call("sign_jws", fields));
  auto jws = artefact_in(answer, "jws");
  if (jws) *jws += '\n';
  TRY(deliver(session, answer, "", {jws, options.out, options.force}));
  return ExitCode::ok;
}

}  // namespace

void add_jws(CLI::App& app, Session& session) {
  CLI::App* jws = command(app, "jws", "JSON Web Signatures and messages: sign, verify",
                          "  hubseal jws sign --key hub-jws message.json\n");
  jws->require_subcommand(1);

  const auto options = std::make_shared<Options>();
  CLI::App* signing = command(*jws, "sign", "Sign bytes as a compact JWS (RFC 7515); the daemon writes the header",
                              "  hubseal jws sign --key hub-jws message.json > message.jws\n"
                              "  printf '{\"a\":1}' | hubseal jws sign --detached\n");
  signing->add_option("payload", options->payload, "What is signed, byte for byte; - for standard input")
      ->capture_default_str()
      ->type_name("FILE");
  signing->add_option("--key", options->key, "Label of a key whose use is jws")
      ->capture_default_str()
      ->type_name("LABEL");
  signing->add_flag("--detached", options->detached, "Leave the payload out of the answer (RFC 7515 appendix F)");
  signing->add_option("--out", options->out, "Write the JWS into this file")->type_name("FILE");
  signing->add_flag("--force", options->force, "Replace a file that holds something else");
  on(signing, session, options, sign);
  add_jws_message(*jws, session);
}

}  // namespace hubseal::cli
