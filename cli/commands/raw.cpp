// hubseal raw: the wire by hand (docs/PROTOCOL.md).
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "common/wire/limits.h"
#include "common/wire/message.h"

namespace hubseal::cli {
namespace {

struct Options {
  std::string line = "-";
};

/// The line is what the user asked to see; only the exit status says how it is to be understood.
ExitCode exit_code_of_reply(const std::string& reply) {
  const auto message =
      parse_json(reply, {.max_depth = 16, .max_members = 4096, .max_values = 65536, .allow_fractions = true});
  if (!message) return ExitCode::internal;
  const auto decoded = wire::decode_reply(reply, text_of(*message, "id"));
  return decoded ? ExitCode::ok : exit_code_of(decoded.error().code);
}

Result<ExitCode> raw(const Session& session, const Options& options) {
  // One more byte than the wire takes, so that its refusal can be seen, and the line feed.
  std::string line = options.line == "-" ? TRY(read_input("-", wire::kMaxLineBytes + 2)) : options.line;
  if (!line.empty() && line.back() == '\n') line.pop_back();
  if (line.empty() || line.find('\n') != std::string::npos)
    return fail(Code::bad_request, "wanted one line, for example {\"v\":1,\"id\":\"1\",\"op\":\"health\"}");
  wire::DaemonClient daemon = session.client(Work::key_generation);
  const std::string reply = TRY(daemon.call_raw(line));
  print(reply + '\n');
  return exit_code_of_reply(reply);
}

}  // namespace

void add_raw(CLI::App& app, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* sending = command(app, "raw", "Send one line of the protocol as it is and print the daemon's line",
                              "  hubseal raw '{\"v\":1,\"id\":\"1\",\"op\":\"health\"}'\n"
                              "  hubseal raw < request.json\n");
  sending->add_option("line", options->line, "The request; - for standard input")
      ->capture_default_str()
      ->type_name("JSON");
  on(sending, session, options, raw);
}

}  // namespace hubseal::cli
