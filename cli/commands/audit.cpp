// hubseal audit: the log of everything that was asked, refused and signed, and the proof that it is whole.
#include <algorithm>
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/audit_evidence.h"
#include "cli/commands/commands.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "common/audit/log_files.h"
#include "common/audit/verify.h"

namespace hubseal::cli {
namespace {

constexpr int kPage = 500;

struct Options {
  int count = 20;
  std::uint64_t record = 0;
  std::string folder;
  std::string file;
  std::vector<std::string> keys;
  std::vector<std::string> checkpoints;
  std::string out;
  bool exported = false;
};

Result<ExitCode> tail(const Session& session, const Options& options) {
  const Json first = TRY(session.call("list_records", {{"limit", 1}}));
  const auto of = member_of(first, "of").get<std::uint64_t>();
  const auto count = static_cast<std::uint64_t>(options.count);
  const Json page =
      TRY(session.call("list_records", {{"after", of > count ? of - count : 0}, {"limit", options.count}}));
  if (session.json) {
    Json records = Json::array();
    for (const Json& line : member_of(page, "records")) records.push_back(TRY(parse_json(line.get<std::string>())));
    session.print_json({{"records", records}, {"of", of}});
  } else {
    print(render_records(member_of(page, "records")));
  }
  return ExitCode::ok;
}

/// A member a line, and the hash of all.
std::string pretty(const Json& record, const std::string& leaf) {
  std::vector<std::pair<std::string, std::string>> members;
  for (const auto& [name, value] : record.items())
    members.emplace_back(display_text(name),
                         display_text(value.is_string() ? value.get<std::string>() : dump_json(value)));
  members.emplace_back("leaf hash", leaf);
  return render_pairs(members);
}

Result<ExitCode> show(const Session& session, const Options& options) {
  const std::string line = TRY(fetch_record(session, options.record));
  const Json record = TRY(parse_json(line));
  const std::string leaf = to_hex(audit::leaf_hash(as_bytes(line)));
  if (session.json)
    session.print_json({{"record", record}, {"leaf_sha256", leaf}});
  else
    print(pretty(record, leaf));
  return ExitCode::ok;
}

Result<std::vector<Bytes>> read_keys(const Options& options) {
  std::vector<Bytes> keys;
  for (const std::string& file : options.keys) keys.push_back(TRY(read_audit_key(file)));
  return keys;
}

/// Where the copy is wrong, as exactly as it is proven.
std::string place_of(const audit::Fault& fault) {
  if (fault.record == 0) return "";
  if (fault.record == fault.last) return fmt::format(" at record {}", fault.record);
  return fmt::format(" in one of records {} to {}", fault.record, fault.last);
}

void print_verdict(const audit::Verdict& verdict) {
  print(render_pairs({{"log", verdict.origin.empty() ? "-" : verdict.origin},
                      {"records", fmt::format("{}", verdict.records)},
                      {"checkpoints", fmt::format("{}, the last good one of {}", verdict.checkpoints,
                                                  counted(verdict.vouched, "record"))},
                      {"root", to_base64(verdict.root)}}));
  if (verdict.torn_bytes > 0)
    print_note(
        fmt::format("The last {} bytes are of a record that was not finished; hubseald seals them at its start.\n",
                    verdict.torn_bytes));
  if (verdict.fault)
    print_note(display_text(fmt::format("BAD{}: {}: {}", place_of(*verdict.fault), verdict.fault->where,
                                        verdict.fault->problem)) +
               "\n");
  else if (verdict.records == verdict.vouched)
    print("good: every record is what was signed\n");
  else
    print(fmt::format("good; without a checkpoint yet: the last {}\n",
                      counted(verdict.records - verdict.vouched, "record")));
}

Result<ExitCode> verify(const Session& session, const Options& options) {
  audit::Evidence evidence{
      .folder = options.folder, .keys = TRY(read_keys(options)), .witnessed = {}, .exported = options.exported};
  for (const std::string& file : options.checkpoints) evidence.witnessed.push_back(TRY(read_checkpoint(file)));
  const audit::Verdict verdict = TRY(judge_copy(evidence));
  Json told = {{"good", !verdict.fault.has_value()}, {"origin", verdict.origin},
               {"records", verdict.records},         {"checkpoints", verdict.checkpoints},
               {"signed_records", verdict.vouched},  {"root", to_base64(verdict.root)},
               {"torn_bytes", verdict.torn_bytes}};
  if (const auto& fault = verdict.fault)
    told["fault"] = {
        {"record", fault->record}, {"last", fault->last}, {"where", fault->where}, {"problem", fault->problem}};
  if (session.json)
    session.print_json(told);
  else
    print_verdict(verdict);
  return verdict.fault ? ExitCode::refused : ExitCode::ok;
}

Result<ExitCode> prove(const Session& session, const Options& options) {
  const auto keys = TRY(read_keys(options));
  const std::string line = TRY(fetch_record(session, options.record));
  const Json answer = TRY(session.call("prove_record", {{"record", options.record}}));
  const SignedCheckpoint against = TRY(check_note(text_of(answer, "note"), keys));
  const auto proof = TRY(read_proof(answer));
  if (!audit::verify_inclusion(audit::leaf_hash(as_bytes(line)), options.record - 1, against.checkpoint.size, proof,
                               against.checkpoint.root))
    return fail(Code::policy_denied,
                fmt::format("record {} is not proven to be in the log that was signed", options.record));
  if (session.json)
    session.print_json({{"record", TRY(parse_json(line))}, {"proof", answer["proof"]}, {"note", answer["note"]}});
  else
    print(fmt::format("record {} is in the log of {} that {} signed (hashes: {})\n{}\n", options.record,
                      counted(against.checkpoint.size, "record"), against.checkpoint.origin, proof.size(),
                      display_text(line)));
  return ExitCode::ok;
}

Result<ExitCode> compare(const Session& session, const Options& options) {
  const auto keys = TRY(read_keys(options));
  const SignedCheckpoint old = TRY(check_note(TRY(read_checkpoint(options.file)), keys));
  const SignedCheckpoint head =
      TRY(check_note(text_of(TRY(session.call("get_checkpoint", Json::object())), "note"), keys));
  if (head.checkpoint.size < old.checkpoint.size)
    return fail(Code::policy_denied,
                fmt::format("the log has {}, and {} were signed in {}: it was cut, or put back",
                            counted(head.checkpoint.size, "record"), old.checkpoint.size, options.file));
  const Json answer = TRY(session.call("prove_consistency", {{"from", old.checkpoint.size}}));
  const SignedCheckpoint now = TRY(check_note(text_of(answer, "note"), keys));
  if (!audit::verify_consistency(old.checkpoint.size, old.checkpoint.root, now.checkpoint.size, now.checkpoint.root,
                                 TRY(read_proof(answer))))
    return fail(Code::policy_denied,
                fmt::format("the log of {} records does not begin with the one of {} that is in {}",
                            now.checkpoint.size, old.checkpoint.size, options.file));
  if (session.json)
    session.print_json({{"from", old.checkpoint.size}, {"size", now.checkpoint.size}, {"note", answer["note"]}});
  else
    print(fmt::format("the log of {} begins with the one of {}\n", counted(now.checkpoint.size, "record"),
                      old.checkpoint.size));
  return ExitCode::ok;
}

Result<ExitCode> checkpoint(const Session& session, const Options& options) {
  TRY(check_output(options.out, true));
  const Json answer = TRY(session.call("get_checkpoint", Json::object()));
  if (!options.out.empty()) TRY(write_output(options.out, text_of(answer, "note"), true));
  if (session.json)
    session.print_json(answer);
  else if (options.out.empty())
    print(text_of(answer, "note"));
  else
    print(fmt::format("written to {}\n", options.out));
  return ExitCode::ok;
}

Result<ExitCode> cosign(const Session& session, const Options& options) {
  const Json answer = TRY(session.call("add_cosignature", {{"note", TRY(read_checkpoint(options.file))}}));
  if (session.json)
    session.print_json(answer);
  else
    for (const Json& name : member_of(answer, "witnesses"))
      print(fmt::format("cosigned by {}\n", display_text(name.get<std::string>())));
  return ExitCode::ok;
}

/// The log as it is by now, into files that `verify` takes.
Result<ExitCode> export_log(const Session& session, const Options& options) {
  const std::filesystem::path folder = options.out;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem || !std::filesystem::is_empty(folder, problem))
    return fail(Code::bad_request, fmt::format("output file {}: wanted an empty folder", folder.string()));
  const Json head = TRY(session.call("get_checkpoint", Json::object()));
  std::string log;
  wire::DaemonClient daemon = session.client();
  // Those that no checkpoint covers yet as well, and none that come meanwhile, or a busy log would have no end.
  const Json newest = TRY(daemon.call("list_records", {{"limit", 1}}));
  const auto of = std::max(member_of(head, "size").get<std::uint64_t>(), member_of(newest, "of").get<std::uint64_t>());
  std::uint64_t count = 0;
  while (count < of) {
    const Json page =
        TRY(daemon.call("list_records", {{"after", count}, {"limit", std::min<std::uint64_t>(of - count, kPage)}}));
    for (const Json& line : member_of(page, "records")) {
      log += line.get<std::string>() + "\n";
      ++count;
    }
    if (member_of(page, "records").empty()) return fail(Code::internal, "the log ended before its newest record");
    print_progress(fmt::format("{} of {} records\r", count, of));
  }
  TRY(write_output((folder / audit::kCurrentFile).string(), log, false));
  TRY(write_output((folder / audit::kCheckpointsFile).string(), text_of(head, "note") + "\n", false));
  TRY(write_output((folder / "audit-key.pem").string(), text_of(head, "public_key"), false));
  if (session.json)
    session.print_json({{"folder", folder.string()}, {"records", count}});
  else
    print(fmt::format("{} in {}; check with: hubseal audit verify {} --exported --key {}\n", counted(count, "record"),
                      folder.string(), folder.string(), (folder / "audit-key.pem").string()));
  return ExitCode::ok;
}

void add_keys(CLI::App* command, Options& options) {
  command->add_option("--key", options.keys, "Public key of the audit log, PEM; several where it was changed")
      ->required()
      ->type_name("FILE");
}

void add_reading(CLI::App& audit, Session& session) {
  const auto tailed = std::make_shared<Options>();
  CLI::App* tailing =
      command(audit, "tail", "The newest records", "  hubseal audit tail\n  hubseal audit tail --count 100\n");
  tailing->add_option("--count", tailed->count, "How many, 1 to 500")
      ->capture_default_str()
      ->check(CLI::Range(1, kPage, "1 to 500"))
      ->type_name("N");
  on(tailing, session, tailed, tail);

  const auto shown = std::make_shared<Options>();
  CLI::App* showing = command(audit, "show", "One record, by its number", "  hubseal audit show 17\n");
  showing->add_option("record", shown->record, "Its number")->required()->type_name("N");
  on(showing, session, shown, show);

  const auto exported = std::make_shared<Options>();
  CLI::App* exporting = command(audit, "export", "Copy the log over the socket into files that verify takes",
                                "  hubseal audit export --out audit-2026-11\n");
  exporting->add_option("--out", exported->out, "An empty folder, or one to be made")->required()->type_name("FOLDER");
  on(exporting, session, exported, export_log);
}

void add_proving(CLI::App& audit, Session& session) {
  const auto verified = std::make_shared<Options>();
  CLI::App* verifying = command(
      audit, "verify", "Check a copy of the log, offline: the first record that is not what was signed is named",
      "  hubseal audit verify /var/lib/hubseal/audit --key audit-key.pem\n"
      "  hubseal audit verify copy --key audit-key.pem --checkpoint kept-by-the-regulator.txt\n");
  verifying->add_option("folder", verified->folder, "Folder with audit*.jsonl and checkpoints")
      ->required()
      ->type_name("FOLDER");
  add_keys(verifying, *verified);
  verifying->add_option("--checkpoint", verified->checkpoints, "A checkpoint that was kept elsewhere; may be repeated")
      ->type_name("FILE");
  verifying->add_flag("--exported", verified->exported,
                      "A copy that export made: it has the records only, and not what crashes tore between them");
  on(verifying, session, verified, verify);

  const auto proven = std::make_shared<Options>();
  CLI::App* proving =
      command(audit, "prove", "That one record is in the log that was signed, without reading the others",
              "  hubseal audit prove 17 --key audit-key.pem\n");
  proving->add_option("record", proven->record, "Its number")->required()->type_name("N");
  add_keys(proving, *proven);
  on(proving, session, proven, prove);

  const auto compared = std::make_shared<Options>();
  CLI::App* comparing =
      command(audit, "compare", "That the log still begins with the one of a checkpoint that was kept",
              "  hubseal audit compare kept.txt --key audit-key.pem\n");
  comparing->add_option("checkpoint", compared->file, "The checkpoint; - for standard input")
      ->required()
      ->type_name("FILE");
  add_keys(comparing, *compared);
  on(comparing, session, compared, compare);
}

void add_witnessing(CLI::App& audit, Session& session) {
  const auto fetched = std::make_shared<Options>();
  CLI::App* fetching = command(audit, "checkpoint", "The latest checkpoint, to be kept or cosigned elsewhere",
                               "  hubseal audit checkpoint --out checkpoint.txt\n");
  fetching->add_option("--out", fetched->out, "Write it into this file, replacing what is there")->type_name("FILE");
  on(fetching, session, fetched, checkpoint);

  const auto cosigned = std::make_shared<Options>();
  CLI::App* cosigning =
      command(audit, "cosign", "Hand in what a witness has cosigned",
              "  export HUBSEAL_SOCKET=/run/hubseal/audit.sock\n  hubseal audit cosign cosigned.txt\n");
  cosigning->add_option("note", cosigned->file, "The checkpoint with the cosignature; - for standard input")
      ->required()
      ->type_name("FILE");
  on(cosigning, session, cosigned, cosign);
}

}  // namespace

void add_audit(CLI::App& app, Session& session) {
  CLI::App* audit = command(app, "audit", "The audit log: read it, prove it, verify a copy of it",
                            "  hubseal audit tail\n  hubseal audit verify copy --key audit-key.pem\n");
  audit->require_subcommand(1);
  add_reading(*audit, session);
  add_proving(*audit, session);
  add_witnessing(*audit, session);
}

}  // namespace hubseal::cli
