// hubseal cert: end-entity certificates.
#include <array>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/pages.h"
#include "cli/request_id.h"
#include "cli/serial.h"
#include "cli/table.h"
#include "cli/views.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxCsrBytes = 32 * 1024;  // as the wire has it
constexpr std::string_view kCertificate = "-----BEGIN CERTIFICATE-----";
constexpr char kSerial[] = "5d8c2f0e9b7a4163d2f8c0a7e15b94d6";  // in examples: as long as ours are
constexpr char kSerialWords[] = "Serial number, hexadecimal, whole (hubseal cert list)";

struct Options {
  std::string ca = "hub-ca";
  std::string profile;
  std::string subject;
  std::string csr;
  std::string request;
  std::string serial;
  std::string out;
  std::string chain;
  bool force = false;
};

std::string chain_text(const Json& answer) {
  std::string text;
  for (const Json& certificate : member_of(answer, "chain")) text += certificate.get<std::string>();
  return text;
}

/// The daemon saw bytes; the user gave a file.
Error about_file(Error error, const std::string& name) {
  const auto has = [&error](const char* word) { return error.message.find(word) != std::string::npos; };
  const bool about_csr =
      error.message.starts_with("CSR") || (error.code == Code::bad_request && (has("CSR") || has("csr") || has("PEM")));
  if (about_csr && name != "-") error.message = name + ": " + error.message;
  return error;
}

/// What people can do about a refusal, in the words of this command line.
Error with_way_on(const Session& session, Error error, const Options& options) {
  const auto has = [&error](const char* words) { return error.message.find(words) != std::string::npos; };
  if (has("the subject lacks country")) {
    const auto known = session.call("get_subject", {{"subject", options.subject}});
    if (known && text_of(*known, "country").size() != 2)
      error.message += fmt::format(
          "; the register has no country for {0}: hubseal subject set {0} --country .., with "
          "all that hubseal subject show {0} has",
          options.subject);
  }
  if (has("\" was retired at ")) {
    const auto ca = session.call("get_ca", {{"ca", options.ca}});
    if (ca && member_of(*ca, "successor").is_string())
      error.message += fmt::format("; its successor is {0}: --ca {0}", text_of(*ca, "successor"));
  }
  return error;
}

/// The daemon takes PEM alone, and would say of DER only that it is none.
Result<> check_is_no_der(const std::string& csr, const std::string& name) {
  if (csr.size() < 2 || csr[0] != '\x30' || (csr[1] & '\x80') == 0) return {};
  return fail(Code::bad_request, fmt::format("input file {0}: this is DER; wanted PEM: openssl req -inform DER -in {0}",
                                             name == "-" ? "FILE" : name));
}

/// A repeat is answered with what was made then.
void warn_of_revoked(const Json& answer) {
  if (member_of(answer, "revoked_at").is_null()) return;
  const bool held = text_of(answer, "state") == "on_hold";
  print_note(fmt::format("hubseal: warning: certificate {} was issued before and is {} since {} ({}); {}\n",
                         text_of(answer, "serial"), held ? "on hold" : "revoked", text_of(answer, "revoked_at"),
                         text_of(answer, "reason"),
                         held ? "hubseal cert release takes that back" : "a new one needs a CSR with a new key"));
}

Result<ExitCode> issue(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, kCertificate));
  TRY(check_output(options.chain, options.force, kCertificate));
  if (!options.chain.empty() && options.chain == options.out)
    return fail(Code::bad_request, "--out and --chain name the same file");
  const std::string csr = TRY(read_input(options.csr, kMaxCsrBytes));
  TRY(check_is_no_der(csr, options.csr));
  const std::string request = options.request.empty() ? derived_request_id(csr) : options.request;
  auto reply = session.call("issue_certificate", {{"ca", options.ca},
                                                  {"profile", options.profile},
                                                  {"subject", options.subject},
                                                  {"request", request},
                                                  {"csr", csr}});
  if (!reply) return tl::unexpected(with_way_on(session, about_file(std::move(reply).error(), options.csr), options));
  const Json answer = *std::move(reply);
  Json shown = answer;
  shown["ca"] = options.ca;
  shown["subject"] = options.subject;
  shown["request"] = request;
  TRY(deliver(session, answer, render_certificate(shown),
              {artefact_in(answer, "certificate"), options.out, options.force}));
  if (!options.chain.empty()) {
    TRY(save(session, options.chain, chain_text(answer), options.force));
    if (!session.json) print_note(fmt::format("chain written to {}\n", options.chain));
  }
  warn_of_revoked(answer);
  return ExitCode::ok;
}

Result<ExitCode> show(const Session& session, const Options& options) {
  TRY(check_output(options.out, options.force, kCertificate));
  const std::string serial = TRY(read_serial(options.serial));
  const Json answer = TRY(session.call("get_certificate", {{"ca", options.ca}, {"serial", serial}}));
  TRY(deliver(session, answer, render_certificate(answer),
              {artefact_in(answer, "certificate"), options.out, options.force}));
  return ExitCode::ok;
}

struct Revoking {
  std::string ca = "hub-ca";
  std::string serial;
  std::string reason;
};

constexpr std::array kReasons = {"key_compromise",         "affiliation_changed", "superseded",
                                 "cessation_of_operation", "privilege_withdrawn", "unspecified"};

/// A reason stands for good: none is taken for granted.
Result<> check_reason(const std::string& reason) {
  if (!reason.empty()) return {};
  return fail(Code::bad_request, fmt::format("--reason is missing, and cannot be changed later; wanted one of: {}",
                                             fmt::join(kReasons, ", ")));
}

std::string crl_text(const Json& answer) {
  const std::string number = text_of(answer, "crl_number"), none = text_of(answer, "no_more_crls");
  if (none == "-") return number == "-" ? "not signed yet: hubseal status says why" : "number " + number;
  return "none comes any more: " + std::string(none == "ended" ? "the CA has ended" : "the CA's key is compromised");
}

/// What no list can tell, people must.
void warn_of_no_crl(const Json& answer) {
  if (text_of(answer, "no_more_crls") != "compromised") return;
  print_note(fmt::format(
      "hubseal: warning: no verifier learns of this from a CRL or by OCSP. Whoever trusts CA {} must stop, or "
      "refuse this serial by itself: hand out the trust bundle without it (hubseal ca bundle), and "
      "certificates below another CA (docs/OPERATIONS.md, section 6)\n",
      text_of(answer, "ca")));
}

std::string render_revocation(const Json& answer) {
  std::vector<std::pair<std::string, std::string>> pairs = {{"CA", text_of(answer, "ca")},
                                                            {"serial", text_of(answer, "serial")},
                                                            {"participant", text_of(answer, "subject")}};
  if (member_of(answer, "revoked_at").is_null()) {
    pairs.emplace_back("state", "issued: the hold is taken back");
  } else {
    pairs.emplace_back("reason", text_of(answer, "reason"));
    pairs.emplace_back("since", text_of(answer, "revoked_at"));
  }
  pairs.emplace_back("CRL", crl_text(answer));
  return render_pairs(pairs);
}

Result<ExitCode> tell(const Session& session, const Json& answer) {
  if (session.json)
    session.print_json(answer);
  else
    print(render_revocation(answer));
  warn_of_no_crl(answer);
  return ExitCode::ok;
}

Result<ExitCode> revoke(const Session& session, const Revoking& options) {
  TRY(check_reason(options.reason));
  const std::string serial = TRY(read_serial(options.serial));
  return tell(session, TRY(session.call("revoke_certificate",
                                        {{"ca", options.ca}, {"serial", serial}, {"reason", options.reason}})));
}

Result<ExitCode> release(const Session& session, const Revoking& options) {
  const std::string serial = TRY(read_serial(options.serial));
  return tell(session, TRY(session.call("release_certificate", {{"ca", options.ca}, {"serial", serial}})));
}

struct Listing {
  std::string ca;
  std::string subject;
  int limit = 0;  ///< 0: all
};

Result<Pages> fetch_list(const Session& session, const Listing& listing) {
  Json fields = Json::object();
  if (!listing.ca.empty()) fields["ca"] = listing.ca;
  if (!listing.subject.empty()) fields["subject"] = listing.subject;
  return fetch_pages(session, "list_certificates", "certificates", fields, listing.limit);
}

/// An empty list of something that does not exist would look like good news.
Result<std::string> nothing_found(const Session& session, const Listing& listing) {
  if (!listing.ca.empty()) TRY(session.call("get_ca", {{"ca", listing.ca}}));
  return fmt::format("no certificates{}{} yet\n", listing.subject.empty() ? "" : " of " + listing.subject,
                     listing.ca.empty() ? "" : " by " + listing.ca);
}

Result<ExitCode> list(const Session& session, const Listing& listing) {
  const Pages found = TRY(fetch_list(session, listing));
  const std::string nothing = found.items.empty() ? TRY(nothing_found(session, listing)) : "";
  if (session.json) {
    session.print_json({{"certificates", found.items}, {"more", found.more}});
    return ExitCode::ok;
  }
  Table table({"CA", "SERIAL", "STATE", "PROFILE", "PARTICIPANT", "NOT AFTER", "SUBJECT"});
  for (const Json& certificate : found.items)
    table.row({text_of(certificate, "ca"), text_of(certificate, "serial"), text_of(certificate, "state"),
               text_of(certificate, "profile"), text_of(certificate, "subject"), text_of(certificate, "not_after"),
               text_of(certificate, "distinguished_name")});
  print(table.empty() ? nothing : table.render());
  if (found.more)
    print_note(fmt::format("There are more than these {}: a higher --limit, or none, shows them.\n", listing.limit));
  return ExitCode::ok;
}

void add_issue(CLI::App& cert, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* issuing = command(
      cert, "issue", "Have a CSR signed. Given again, the same command answers with the same certificate",
      "  hubseal cert issue --profile dfsp-client --participant bank1 --csr bank1.csr --out bank1.pem\n"
      "  openssl req -new -key k.pem -subj / | hubseal cert issue --profile dfsp-client --participant bank1 --csr "
      "- > bank1.pem\n");
  issuing->add_option("--ca", options->ca, "The CA that signs")->capture_default_str()->type_name("NAME");
  issuing->add_option("--profile", options->profile, "A profile of kind \"end_entity\", such as dfsp-client")
      ->required()
      ->type_name("NAME");
  issuing->add_option("--participant", options->subject, "The participant (DFSP) that the certificate is for")
      ->required()
      ->type_name("NAME");
  issuing->add_option("--csr", options->csr, "PKCS#10 in PEM; - for standard input")->required()->type_name("FILE");
  issuing->add_option("--request", options->request, "Name of this request [derived from the CSR]")->type_name("ID");
  issuing->add_option("--out", options->out, "Write the certificate into this file")->type_name("FILE");
  issuing->add_option("--chain", options->chain, "Write the certificates up to the root into this file")
      ->type_name("FILE");
  issuing->add_flag("--force", options->force, "Replace files that hold something else");
  on(issuing, session, options, issue);
}

void add_show(CLI::App& cert, Session& session) {
  const auto options = std::make_shared<Options>();
  CLI::App* showing =
      command(cert, "show", "One certificate, by its serial number",
              fmt::format("  hubseal cert show {0}\n  hubseal cert show {0} --ca hub-ca --out bank1.pem\n", kSerial));
  showing->add_option("serial", options->serial, kSerialWords)->required()->type_name("SERIAL");
  showing->add_option("--ca", options->ca, "The CA that signed it")->capture_default_str()->type_name("NAME");
  showing->add_option("--out", options->out, "Write the certificate into this file")->type_name("FILE");
  showing->add_flag("--force", options->force, "Replace a file that holds something else");
  on(showing, session, options, show);
}

std::shared_ptr<Revoking> add_revoking_options(CLI::App* command) {
  const auto options = std::make_shared<Revoking>();
  command->add_option("serial", options->serial, kSerialWords)->required()->type_name("SERIAL");
  command->add_option("--ca", options->ca, "The CA that signed it")->capture_default_str()->type_name("NAME");
  return options;
}

void add_revoke(CLI::App& cert, Session& session) {
  CLI::App* revoking = command(cert, "revoke", "Revoke a certificate for good; it is in the CRL at once",
                               fmt::format("  hubseal cert revoke {} --reason key_compromise\n", kSerial));
  const auto revoked = add_revoking_options(revoking);
  revoking->add_option("--reason", revoked->reason, "Why; must be given, and cannot be changed later")
      ->check(CLI::IsMember(std::vector<std::string>(kReasons.begin(), kReasons.end())));
  on(revoking, session, revoked, revoke);

  CLI::App* holding = command(cert, "hold", "Revoke a certificate for now: the only revocation that can be taken back",
                              fmt::format("  hubseal cert hold {}\n", kSerial));
  const auto held = add_revoking_options(holding);
  held->reason = "certificate_hold";
  on(holding, session, held, revoke);

  CLI::App* releasing = command(cert, "release", "Take a hold back: the certificate is good again",
                                fmt::format("  hubseal cert release {}\n", kSerial));
  on(releasing, session, add_revoking_options(releasing), release);
}

void add_list(CLI::App& cert, Session& session) {
  const auto listing = std::make_shared<Listing>();
  CLI::App* listed = command(cert, "list", "Certificates, oldest first",
                             "  hubseal cert list\n  hubseal cert list --participant bank1 --limit 20\n");
  listed->add_option("--ca", listing->ca, "Of this CA only")->type_name("NAME");
  listed->add_option("--participant", listing->subject, "Of this participant only")->type_name("NAME");
  listed->add_option("--limit", listing->limit, "At most so many, 1 to 500 [all]")
      ->check(CLI::Range(1, kPage, "1 to 500"))
      ->type_name("N");
  on(listed, session, listing, list);
}

}  // namespace

void add_cert(CLI::App& app, Session& session) {
  CLI::App* cert =
      command(app, "cert", "Certificates: issue, show, list, revoke, hold, release",
              "  hubseal cert issue --profile dfsp-client --participant bank1 --csr bank1.csr --out bank1.pem\n");
  cert->require_subcommand(1);
  add_issue(*cert, session);
  add_show(*cert, session);
  add_list(*cert, session);
  add_revoke(*cert, session);
}

}  // namespace hubseal::cli
