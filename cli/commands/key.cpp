// hubseal key: the keys in the token.
#include <memory>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/ensure.h"
#include "cli/input_output.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

struct Options {
  KeyWish wish;
  std::string out;
  bool force = false;
  bool jwk = false;
  bool tls = false;
};

/// What gateways are shown: with the socket that is theirs, this user's.
Result<ExitCode> list_tls(const Session& session) {
  Json all;
  for (Json page = TRY(session.call("list_tls_keys", Json::object()));;) {
    const Json& keys = member_of(page, "keys");
    if (all.is_null())
      all = page;
    else
      all["keys"].insert(all["keys"].end(), keys.begin(), keys.end());
    if (member_of(page, "more") != true || keys.empty()) break;
    page = TRY(session.call("list_tls_keys", {{"after", text_of(keys.back(), "label")}}));
  }
  all.erase("more");
  if (session.json)
    session.print_json(all);
  else
    print(render_tls_keys(all["keys"]));
  return ExitCode::ok;
}

Result<ExitCode> list(const Session& session, const Options& options) {
  if (options.tls) return list_tls(session);
  const Json answer = TRY(session.call("list_keys", Json::object()));
  if (session.json)
    session.print_json(answer);
  else
    print(render_keys(member_of(answer, "keys")));
  return ExitCode::ok;
}

Result<ExitCode> create(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force));
  const Json key = TRY(create_key(session, options.wish));
  TRY(deliver(session, key, render_key(key), {artefact_in(key, "pem"), options.out, options.force}));
  return ExitCode::ok;
}

Result<ExitCode> show(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, options.jwk ? "{" : "-----BEGIN PUBLIC KEY-----"));
  const Json key = TRY(session.call("get_public_key", {{"key", options.wish.label}}));
  const Json& jwk = member_of(key, "jwk");
  auto text = options.jwk ? std::nullopt : artefact_in(key, "pem");
  if (options.jwk && jwk.is_object()) text = dump_json(jwk) + '\n';
  TRY(deliver(session, key, render_key(key), {text, options.out, options.force}));
  return ExitCode::ok;
}

void add_out(CLI::App* command, Options& options) {
  command->add_option("--out", options.out, "Write the public key into this file")->type_name("FILE");
  command->add_flag("--force", options.force, "Replace a file that holds something else");
}

}  // namespace

void add_key(CLI::App& app, Session& session) {
  CLI::App* key = command(app, "key", "Keys in the token: list, create, show, their lives, and rotation",
                          "  hubseal key list\n  hubseal key create hub-jws-2 --type ec_p256 --use jws\n");
  key->require_subcommand(1);

  const auto listed = std::make_shared<Options>();
  CLI::App* listing = command(*key, "list", "All keys that hubseald holds, with state and grade",
                              "  hubseal key list\n  hubseal --socket /run/hubseal/tls.sock key list --tls\n");
  listing->add_flag("--tls", listed->tls, "Those that this user's gateway may use; only tls.sock tells them");
  on(listing, session, listed, list);

  const auto made = std::make_shared<Options>();
  CLI::App* creating = command(*key, "create", "Make a key pair inside the token; the private half never leaves it",
                               "  hubseal key create hub-jws-2 --type rsa_2048 --use jws\n"
                               "  hubseal key create hub-ca-2 --type rsa_4096 --use ca\n");
  creating->add_option("label", made->wish.label, "Name of the new key")->required()->type_name("LABEL");
  creating->add_option("--type", made->wish.type, "Kind of key")->required()->check(CLI::IsMember(key_type_words()));
  creating->add_option("--use", made->wish.use, "What it will sign: certificates or JWS")
      ->required()
      ->check(CLI::IsMember({"ca", "jws"}));
  creating->add_option("--algorithm", made->wish.algorithm, "With which a key for JWS signs, for good")
      ->check(CLI::IsMember(jws_algorithm_words()));
  creating->add_flag("--pre-activation", made->wish.pre_activation, "It signs nothing before it is activated");
  creating->add_flag("--backup-required", made->wish.backup_required,
                     "It signs nothing before its backup is confirmed");
  add_out(creating, *made);
  on(creating, session, made, create);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(*key, "show", "The public half of a key, as PEM or JWK",
                              "  hubseal key show hub-jws --jwk > hub-jws.json\n");
  showing->add_option("label", shown->wish.label, "Name of the key")->required()->type_name("LABEL");
  showing->add_flag("--jwk", shown->jwk, "As a JSON Web Key (RFC 7517) instead of PEM");
  add_out(showing, *shown);
  on(showing, session, shown, show);
  add_key_life(*key, session);
  add_key_rotation(*key, session);
}

}  // namespace hubseal::cli
