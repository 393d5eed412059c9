// hubseal approver: who may agree to what others ask for.
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/approval_view.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxPublicKeyBytes = 1024;  // as the wire has it

struct Options {
  std::string name;
  std::string person;
  std::int64_t uid = -1;  ///< -1: none
  std::string public_key;
  std::string credential_id;
  std::string rp_id;
  std::string origin;
};

Result<ExitCode> list(const Session& session, const Options&) {
  const Json answer = TRY(session.call("list_approvers", Json::object()));
  if (session.json)
    session.print_json(answer);
  else
    print(render_approvers(member_of(answer, "approvers")));
  return ExitCode::ok;
}

Result<Json> fields_of(const Options& options) {
  const bool webauthn = !options.credential_id.empty();
  const char* kind = webauthn ? "webauthn" : options.public_key.empty() ? "uid" : "key";
  Json fields = {{"name", options.name}, {"person", options.person}, {"kind", kind}};
  if (options.uid >= 0) fields["uid"] = options.uid;
  if (!options.public_key.empty()) fields["public_key"] = TRY(read_input(options.public_key, kMaxPublicKeyBytes));
  if (webauthn) {
    fields["credential_id"] = options.credential_id;
    fields["rp_id"] = options.rp_id;
    fields["origin"] = options.origin;
  }
  return fields;
}

Result<ExitCode> add(const Session& session, const Options& options) {
  if (options.uid < 0 && options.public_key.empty())
    return fail(Code::bad_request, "an approver is known by --uid, or by --public-key");
  const Json approver = TRY(session.call("add_approver", TRY(fields_of(options))));
  if (session.json)
    session.print_json(approver);
  else
    print(render_approver(approver));
  return ExitCode::ok;
}

Result<ExitCode> remove(const Session& session, const Options& options) {
  const Json answer = TRY(session.call("remove_approver", {{"name", options.name}}));
  if (session.json)
    session.print_json(answer);
  else
    print(fmt::format("{} is removed; its consents to what is still open no longer count\n", options.name));
  return ExitCode::ok;
}

void add_add(CLI::App& approver, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* adding = command(
      approver, "add", "Register a way in which a person agrees: a login on this host, a key, a WebAuthn credential",
      "  hubseal approver add alice --person alice --uid 1001\n"
      "  hubseal approver add alice-card --person alice --uid 1001 --public-key alice.pem\n"
      "  hubseal approver add bob-key --person bob --public-key bob.pem --credential-id rD3f0g \\\n"
      "      --rp-id hub.example.com --origin https://portal.hub.example.com\n");
  adding->add_option("name", options->name, "Name of this approver")->required()->type_name("NAME");
  adding->add_option("--person", options->person, "Who it is; a person counts once, with however many approvers")
      ->required()
      ->type_name("NAME");
  adding
      ->add_option("--uid", options->uid,
                   "The person's login on this host: with it alone the person agrees by hubseal approval approve; with "
                   "a key it says whose requests the key cannot agree to")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{0xfffffffe}))
      ->type_name("UID");
  CLI::Option* key = adding
                         ->add_option("--public-key", options->public_key,
                                      "P-256 or Ed25519, SubjectPublicKeyInfo in PEM; - for standard input")
                         ->type_name("FILE");
  CLI::Option* credential =
      adding->add_option("--credential-id", options->credential_id, "Of a WebAuthn credential, in base64url")
          ->type_name("ID");
  CLI::Option* rp_id =
      adding->add_option("--rp-id", options->rp_id, "Relying party that it was made for")->type_name("HOST");
  CLI::Option* origin =
      adding->add_option("--origin", options->origin, "Page that may use it: https://HOST[:PORT]")->type_name("URL");
  credential->needs(key)->needs(rp_id)->needs(origin);
  rp_id->needs(credential);
  origin->needs(credential);
  on(adding, session, options, add);
}

}  // namespace

void add_approver(CLI::App& app, Session& session) {
  CLI::App* approver = command(app, "approver", "Who may agree: add, list, remove", "  hubseal approver list\n");
  approver->require_subcommand(1);

  on(command(*approver, "list", "All approvers, with the person behind each", "  hubseal approver list\n"), session,
     std::make_shared<Options>(), list);
  add_add(*approver, session);

  const auto removed = std::make_shared<Options>();
  CLI::App* removing = command(*approver, "remove", "Remove one; what it agreed to and is still open counts no longer",
                               "  hubseal approver remove alice-card\n");
  removing->add_option("name", removed->name, "Name of the approver")->required()->type_name("NAME");
  on(removing, session, removed, remove);
}

}  // namespace hubseal::cli
