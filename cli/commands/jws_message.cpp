// hubseal jws sign-message, verify: messages of the hub (FSPIOP-Signature).
#include <memory>
#include <optional>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/http_request.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "cli/views.h"
#include "common/bytes.h"
#include "common/x509/certificate.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxBodyBytes = 525 * 1024;  // 700 KiB on the wire, in base64url
constexpr std::size_t kMaxRequestBytes = 16 << 20;

struct MessageOptions {
  std::string key = "hub-jws";
  std::string body = "-";
  std::string method;
  std::string uri;
  std::string source;
  std::string destination;
  std::string date;
  std::vector<std::string> headers;
};

struct VerifyOptions {
  std::string public_key;
  std::string request = "-";
};

Result<Json> further_headers(const std::vector<std::string>& lines) {
  Json headers = Json::array();
  for (const std::string& line : lines) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string::npos)
      return fail(Code::bad_request, fmt::format("--header \"{}\": wanted \"Name: value\"", line));
    headers.push_back({{"name", line.substr(0, colon)}, {"value", line.substr(colon + 2)}});
  }
  return headers;
}

/// As curl's -H @FILE takes them: the daemon's, and those that were given and are signed with it. Nothing where the
/// daemon's answer has none.
std::optional<std::string> header_lines(const Json& answer, const MessageOptions& options) {
  const Json& made = member_of(answer, "headers");
  if (!made.is_object() || made.empty()) return std::nullopt;
  std::string lines;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) lines += fmt::format("{}: {}\n", name, value);
  };
  for (const auto& [name, value] : made.items()) {
    if (!value.is_string()) return std::nullopt;
    add(name, value.get_ref<const std::string&>());
  }
  add("FSPIOP-Source", options.source);
  add("FSPIOP-Destination", options.destination);
  add("Date", options.date);
  for (const std::string& line : options.headers) lines += line + '\n';
  return lines;
}

Result<ExitCode> sign_message(const Session& session, const MessageOptions& options) {
  const std::string body = TRY(read_input(options.body, kMaxBodyBytes));
  Json fields = {{"key", options.key}, {"method", options.method}, {"uri", options.uri}, {"source", options.source}};
  if (!options.destination.empty()) fields["destination"] = options.destination;
  if (!options.date.empty()) fields["date"] = options.date;
  if (!options.headers.empty()) fields["headers"] = TRY(further_headers(options.headers));
  if (!body.empty()) fields["body"] = to_base64url(as_bytes(body));
  const Json answer = TRY(session.call("sign_fspiop", fields));
  TRY(deliver(session, answer, "", {header_lines(answer, options), "", false}));
  return ExitCode::ok;
}

/// From a certificate or a public key, in PEM.
Result<PkeyPtr> read_public_key(const std::string& file) {
  const std::string pem = TRY(read_input(file, x509::kMaxPemBytes));
  if (pem.find("BEGIN CERTIFICATE") != std::string::npos)
    return x509::public_key_from_spki(TRY(x509::Certificate::parse(pem)).spki());
  return x509::public_key_from_spki(TRY(x509::der_of_pem(pem, {"PUBLIC KEY"})));
}

Result<ExitCode> verify(const Session& session, const VerifyOptions& options) {
  const PkeyPtr key = TRY(read_public_key(options.public_key));
  const std::string text = TRY(read_input(options.request, kMaxRequestBytes));
  const jose::SignedRequest request = TRY(parse_http_request(text));
  const auto said = jose::verify_fspiop(request, key.get());
  // No mistake of the command line: the question was asked, and this is the answer.
  if (!said) return fail(Code::policy_denied, said.error().message);
  std::string lines = "good: signed by the key of " + options.public_key + '\n';
  for (const auto& [name, value] : said->items())
    lines += fmt::format("  {}: {}\n", display_text(name), display_text(value.get_ref<const std::string&>()));
  TRY(deliver(session, {{"good", true}, {"protected", *said}}, "", {lines, "", false}));
  return ExitCode::ok;
}

void add_sign_message(CLI::App& jws, Session& session) {
  const auto options = std::make_shared<MessageOptions>();
  CLI::App* signing = command(
      jws, "sign-message", "Sign a message of the hub, and print the headers to send with it (FSPIOP-Signature)",
      "  export HUBSEAL_SOCKET=/run/hubseal/jws.sock\n"
      "  hubseal jws sign-message --method PUT --uri https://bank1.example.com/quotes/7c23 --source hub \\\n"
      "    --destination bank1 body.json > headers.txt\n"
      "  curl --request PUT --header @headers.txt --data-binary @body.json https://bank1.example.com/quotes/7c23\n");
  signing->add_option("body", options->body, "The bytes that are sent; - for standard input")
      ->capture_default_str()
      ->type_name("FILE");
  signing->add_option("--key", options->key, "Label of a key whose use is jws")
      ->capture_default_str()
      ->type_name("LABEL");
  signing->add_option("--method", options->method, "Of the request: PUT, POST, PATCH, GET or DELETE")
      ->required()
      ->type_name("METHOD");
  signing->add_option("--uri", options->uri, "Where it goes; signed from the resource's name on")
      ->required()
      ->type_name("URI");
  signing->add_option("--source", options->source, "FSPIOP-Source: an id of the hub")->required()->type_name("FSP");
  signing->add_option("--destination", options->destination, "FSPIOP-Destination")->type_name("FSP");
  signing->add_option("--date", options->date, "Date, as it is sent")->type_name("DATE");
  signing->add_option("--header", options->headers, "A further header to be signed: \"Name: value\"")
      ->type_name("HEADER");
  on(signing, session, options, sign_message);
}

void add_verify(CLI::App& jws, Session& session) {
  const auto options = std::make_shared<VerifyOptions>();
  CLI::App* checking =
      command(jws, "verify", "Check the FSPIOP-Signature of a request, without the daemon; names the header that fails",
              "  hubseal jws verify --public-key bank1.pem request.http\n");
  checking
      ->add_option("request", options->request, "The HTTP request as it travelled, with its body; - for standard input")
      ->capture_default_str()
      ->type_name("FILE");
  checking->add_option("--public-key", options->public_key, "The source's public key or its certificate, in PEM")
      ->required()
      ->type_name("FILE");
  on(checking, session, options, verify);
}

}  // namespace

void add_jws_message(CLI::App& jws, Session& session) {
  add_sign_message(jws, session);
  add_verify(jws, session);
}

}  // namespace hubseal::cli
