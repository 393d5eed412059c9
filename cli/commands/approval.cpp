// hubseal approval: what waits for the consent of several people.
#include <array>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/approval_view.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/pages.h"
#include "common/bytes.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxSignatureBytes = 96;  // as the wire has it
constexpr std::size_t kMaxAssertionBytes = 32 * 1024;

/// The parts of an assertion as the wire calls them, and as browsers do (PublicKeyCredential.toJSON()).
constexpr std::array kAssertionParts = {std::pair{"authenticator_data", "authenticatorData"},
                                        std::pair{"client_data_json", "clientDataJSON"},
                                        std::pair{"signature", "signature"}};

struct Options {
  std::string approval;
  std::string state = "open";
  std::string signature;
  std::string assertion;
  std::string approver;
  bool reject = false;
  std::string out;
  bool force = false;
};

std::string nothing_in(const std::string& state) {
  if (state == "open") return "nothing waits for approval\n";
  return state == "all" ? "no approvals yet\n" : fmt::format("no approvals that are {}\n", state);
}

Result<ExitCode> list(const Session& session, const Options& options) {
  Json fields = Json::object();
  if (options.state != "all") fields["state"] = options.state;
  const Json all = TRY(fetch_pages(session, "list_approvals", "approvals", fields)).items;
  if (session.json)
    session.print_json({{"approvals", all}});
  else
    print(all.empty() ? nothing_in(options.state) : render_approvals(all));
  return ExitCode::ok;
}

Result<ExitCode> show(const Session& session, const Options& options) {
  const Json approval = TRY(session.call("get_approval", {{"approval", options.approval}}));
  const std::string text = TRY(render_approval(approval));
  if (session.json)
    session.print_json(approval);
  else
    print(text);
  return ExitCode::ok;
}

Result<ExitCode> statement(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force));
  const Json approval = TRY(session.call(
      "get_approval", {{"approval", options.approval}, {"decision", options.reject ? "reject" : "approve"}}));
  TRY(check_statement(approval));
  const std::string bytes = text_of(approval, "statement");
  if (!options.out.empty()) TRY(write_output(options.out, bytes, options.force));
  if (session.json)
    session.print_json(approval);
  else if (options.out.empty())
    print(bytes);
  else
    print(fmt::format("written to {}\n", options.out));
  return ExitCode::ok;
}

/// What a page or a tool has made of the challenge, as PROTOCOL.md's submit_approval takes it.
Result<Json> read_assertion(const std::string& file) {
  const auto wrong = [&file](const std::string& problem) {
    return fail(Code::bad_request,
                fmt::format("input file {}: {}; wanted a JSON object with authenticator_data, client_data_json and "
                            "signature, each in base64url, or what PublicKeyCredential.toJSON() gives",
                            file, problem));
  };
  const auto json = parse_json(TRY(read_input(file, kMaxAssertionBytes)));
  if (!json) return wrong(json.error().message);
  const Json& response = member_of(*json, "response");
  const bool from_browser = response.is_object();
  Json parts = Json::object();
  for (const auto& [name, name_in_browser] : kAssertionParts) {
    const char* member = from_browser ? name_in_browser : name;
    const Json& part = member_of(from_browser ? response : *json, member);
    if (!part.is_string()) return wrong(fmt::format("it has no text \"{}\"", member));
    parts[name] = part;
  }
  return parts;
}

/// In one's own name, or with what another has signed.
Result<Json> send_vote(const Session& session, const Options& options) {
  Json fields = {{"approval", options.approval}, {"decision", options.reject ? "reject" : "approve"}};
  if (options.approver.empty()) return session.call("approve", fields);
  fields["approver"] = options.approver;
  if (options.signature.empty() && options.assertion.empty())
    return fail(Code::bad_request, "--approver wants --signature or --assertion: what that approver has signed");
  if (!options.assertion.empty())
    fields["webauthn"] = TRY(read_assertion(options.assertion));
  else
    fields["signature"] = to_base64(as_bytes(TRY(read_input(options.signature, kMaxSignatureBytes))));
  return session.call("submit_approval", fields);
}

Result<ExitCode> vote(const Session& session, const Options& options) {
  const Json approval = TRY(send_vote(session, options));
  if (session.json)
    session.print_json(approval);
  else
    print(fmt::format("{} is {}: {} of {} have agreed\n", text_of(approval, "approval"), text_of(approval, "state"),
                      text_of(approval, "agreed"), text_of(approval, "needed")));
  return ExitCode::ok;
}

void add_id(CLI::App* command, Options& options) {
  command->add_option("approval", options.approval, "Its id, such as a-17")->required()->type_name("ID");
}

void add_vote(CLI::App& approval, Session& session, const char* name, const char* description, bool reject) {
  const auto options = std::make_shared<Options>();
  options->reject = reject;
  CLI::App* voting = command(approval, name, description,
                             fmt::format("  hubseal approval {0} a-17\n"
                                         "  hubseal approval {0} a-17 --approver alice-card --signature a-17.sig\n"
                                         "  hubseal approval {0} a-17 --approver alice-passkey --assertion a-17.json\n",
                                         name));
  add_id(voting, *options);
  CLI::Option* signature =
      voting
          ->add_option("--signature", options->signature,
                       "What an approver has made of the statement: ECDSA in DER, or Ed25519; - for standard input")
          ->type_name("FILE");
  CLI::Option* assertion =
      voting
          ->add_option("--assertion", options->assertion,
                       "What a passkey has made of the statement: a WebAuthn assertion in JSON; - for standard input")
          ->type_name("FILE");
  CLI::Option* approver =
      voting->add_option("--approver", options->approver, "Whose signature or assertion it is")->type_name("NAME");
  signature->needs(approver);
  assertion->needs(approver);
  assertion->excludes(signature);
  on(voting, session, options, vote);
}

void add_statement(CLI::App& approval, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* asked = command(approval, "statement", "The bytes that an approver signs, exactly",
                            "  hubseal approval statement a-17 --out a-17.txt\n"
                            "  hubseal approval statement a-17 | openssl dgst -sha256 -sign alice.key -out a-17.sig\n");
  add_id(asked, *options);
  asked->add_flag("--reject", options->reject, "The statement that rejects, instead of the one that approves");
  asked->add_option("--out", options->out, "Write it into this file")->type_name("FILE");
  asked->add_flag("--force", options->force, "Replace a file that holds something else");
  on(asked, session, options, statement);
}

}  // namespace

void add_approval(CLI::App& app, Session& session) {
  CLI::App* approval = command(app, "approval", "What waits for consent: list, show, approve, reject, statement",
                               "  hubseal approval list\n  hubseal approval show a-17\n");
  approval->require_subcommand(1);

  const auto listed = std::make_shared<Options>();
  CLI::App* listing =
      command(*approval, "list", "What waits for people, or is agreed to and not done yet; oldest first",
              "  hubseal approval list\n  hubseal approval list --state all\n");
  listing->add_option("--state", listed->state, "In this state only; open is pending and approved, all is all")
      ->capture_default_str()
      ->check(CLI::IsMember({"open", "pending", "approved", "rejected", "used", "expired", "all"}));
  on(listing, session, listed, list);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(*approval, "show", "All of a request: what will be done, who has voted, what is signed",
                              "  hubseal approval show a-17\n");
  add_id(showing, *shown);
  on(showing, session, shown, show);

  add_vote(*approval, session, "approve", "Agree, in your own name or with an approver's signature", false);
  add_vote(*approval, session, "reject", "Reject, for good; one rejection is enough", true);
  add_statement(*approval, session);
}

}  // namespace hubseal::cli
