#include "cli/ceremony/runner.h"

#include <unistd.h>

#include <iostream>

#include <fmt/format.h>

#include "cli/ceremony/fingerprint.h"
#include "cli/ceremony/interruption.h"
#include "cli/ceremony/room.h"
#include "cli/ceremony/transcript_file.h"
#include "cli/input_output.h"
#include "cli/table.h"
#include "cli/views.h"
#include "common/clock.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxFile = 256 * 1024;

std::string now() { return format_utc(SystemClock().now()); }

bool says_yes(const std::string& question) {
  print_note(question + " Type yes to go on: ");
  std::string answer;
  return std::getline(std::cin, answer) && answer == "yes";
}

/// Whether the daemon may have done it all the same.
bool unknown_outcome(const Error& error) { return error.message.find("gave no answer") != std::string::npos; }

std::string render_reply(const CeremonyStep& step, const Json& reply) {
  std::string text = render_fields(reply);
  if (step.operation.ends_with("_ca")) text = render_ca(reply);
  if (step.operation == "cross_certify") text = render_certificate(reply);
  if (step.operation.ends_with("_key") || step.operation == "confirm_backup") text = render_key(reply);
  const std::string fingerprint = fingerprint_of(reply);
  return fingerprint.empty() ? text : text + fmt::format("compare: {}\n", in_groups(fingerprint));
}

class Runner {
 public:
  Runner(const Session& session, const CeremonyRun& options, TranscriptFile file, Transcript transcript)
      : session_(session), options_(options), file_(std::move(file)), transcript_(std::move(transcript)) {}

  Result<> begin(const Room& room, const std::string& time) {
    return file_.append(header_line(transcript_.script, room, time, ::getuid()));
  }

  /// A step that was asked for when hubseal ended: done, if the audit log says so.
  Result<> settle_pending() {
    if (!transcript_.pending) return {};
    const CeremonyStep& step = transcript_.script.steps[transcript_.done.size()];
    const Found found = TRY(find_record(session_, step, *transcript_.pending));
    if (found.record == 0) return {};
    const auto reply = look_up(session_, step);
    if (!reply && reply.error().code == Code::not_found) return {};  // a crash of the daemon came between
    if (!reply) return tl::unexpected(reply.error());
    tell(fmt::format("Step {} was done before hubseal ended; the audit log has it.\n", transcript_.done.size() + 1));
    if (step.operation == "create_csr")
      tell("The request is lost: only the answer held it. Destroy the key, and make another in a new ceremony.\n");
    return keep(step, *transcript_.pending, *reply, found.record);
  }

  Result<> do_steps() {
    while (transcript_.done.size() < transcript_.script.steps.size()) {
      const std::size_t number = transcript_.done.size() + 1;
      const CeremonyStep& step = transcript_.script.steps[number - 1];
      tell(fmt::format("\nStep {} of {}: {}\n{}", number, transcript_.script.steps.size(), name_of(step),
                       render_fields(step.fields)));
      if (const auto done = do_step(number, step); !done) return tl::unexpected(of_step(number, step, done.error()));
    }
    return {};
  }

  Result<> finish() {
    if (!transcript_.ended) TRY(write_end());
    tell(
        fmt::format("\nAll {} steps are done and proven. The transcript is {}; check it on another machine with:\n"
                    "  hubseal ceremony verify {} --key audit-key.pem --file {}\n",
                    transcript_.done.size(), file_.path(), file_.path(), options_.file));
    return {};
  }

  const Transcript& transcript() const { return transcript_; }
  const std::string& path() const { return file_.path(); }

 private:
  Result<> write_end() {
    if (!transcript_.evidence) {
      const auto evidence = gather_evidence(session_, transcript_.done, std::chrono::seconds(options_.wait_seconds));
      if (!evidence) return tl::unexpected(to_go_on("ceremony, after its steps", evidence.error()));
      TRY(file_.append(evidence_line(*evidence)));
    }
    return file_.append(end_line());
  }

  void tell(const std::string& text) const {
    if (!session_.json) print(text);
    std::fflush(stdout);
  }

  Result<> do_step(std::size_t number, const CeremonyStep& step) {
    if (step.operation == "confirm_backup" && !options_.yes &&
        !says_yes(fmt::format("Has somebody seen the backup of {}?", step.about)))
      return fail(Code::policy_denied, "the question was answered with no; the backup is not confirmed");
    Asked asked;
    asked.records = TRY(count_records(session_));
    asked.uid = ::getuid();
    TRY(file_.append(asked_line(number, step, asked, now())));
    const bool makes_key = step.operation == "create_key" || step.operation == "create_csr";
    const Work work = makes_key ? Work::key_generation : Work::quick;
    const auto reply = session_.call(step.operation, step.fields, work);
    if (!reply) {
      if (!unknown_outcome(reply.error())) TRY(file_.append(refused_line(number, reply.error(), now())));
      return tl::unexpected(reply.error());
    }
    const Found found = TRY(find_record(session_, step, asked));
    if (found.record == 0) return fail(Code::internal, "the audit log has no record of what was just done");
    return keep(step, asked, *reply, found.record);
  }

  Result<> keep(const CeremonyStep& step, const Asked& asked, const Json& reply, std::uint64_t record) {
    DoneStep done{.line = 0, .asked = asked, .time = now(), .reply = reply, .record = record};
    TRY(file_.append(done_line(transcript_.done.size() + 1, step, reply, record, done.time)));
    tell(render_reply(step, reply) + fmt::format("done, record {} of the audit log\n", record));
    transcript_.done.push_back(std::move(done));
    transcript_.pending.reset();
    return {};
  }

  /// advice_for() knows a step by its first words.
  Error of_step(std::size_t number, const CeremonyStep& step, const Error& error) const {
    return to_go_on(fmt::format("ceremony step {} ({})", number, name_of(step)), error);
  }

  Error to_go_on(const std::string& where, Error error) const {
    // In other words than those of a peer that is turned away: this one was heard before.
    if (unknown_outcome(error))
      error = {Code::hsm_unavailable, "hubseald went away before it answered; its log tells what was done", ""};
    error.message = fmt::format("{}: {}; it goes on with --continue {}", where, error.message, file_.path());
    return error;
  }

  const Session& session_;
  const CeremonyRun& options_;
  TranscriptFile file_;
  Transcript transcript_;
};

Result<ExitCode> only_check(const Session& session, const Script& script) {
  if (session.json)
    session.print_json({{"title", script.title}, {"sha256", script.sha256}, {"steps", script.steps.size()}});
  else
    print(render_script(script) + "the file is good; nothing was asked\n");
  return ExitCode::ok;
}

Result<> check_same(const Script& script, const Room& room, const Transcript& transcript) {
  if (transcript.script.text != script.text)
    return fail(Code::conflict, fmt::format("the transcript is of a file with SHA-256 {}, this one has {}",
                                            transcript.script.sha256, script.sha256));
  if (transcript.room.instance != room.instance || transcript.room.token_serial != room.token_serial)
    return fail(Code::conflict, "the transcript is of a ceremony with another hubseald, or another token");
  return {};
}

ExitCode tell_end(const Session& session, const Transcript& transcript, const std::string& path) {
  Json steps = Json::array();
  for (std::size_t i = 0; i < transcript.done.size(); ++i)
    steps.push_back({{"step", name_of(transcript.script.steps[i])},
                     {"reply", transcript.done[i].reply},
                     {"record", transcript.done[i].record}});
  if (session.json) session.print_json({{"transcript", path}, {"sha256", transcript.script.sha256}, {"steps", steps}});
  return ExitCode::ok;
}

/// The transcript that the run writes: a new one, whose first line is written once somebody has said yes.
Result<Runner> prepare(const Session& session, const CeremonyRun& options, Script script, const Room& room) {
  const auto agreed = [&]() -> Result<> {
    if (options.yes || says_yes("Is this the file that was reviewed?")) return {};
    return fail(Code::bad_request, "nobody said yes; nothing was changed");
  };
  if (!options.continued.empty()) {
    auto [file, transcript] = TRY(TranscriptFile::open(options.continued));
    TRY(check_same(script, room, transcript));
    if (!transcript.policy_changed) TRY(check_policy(session, script));
    Runner runner(session, options, std::move(file), std::move(transcript));
    TRY(runner.settle_pending());
    TRY(check_nothing_there(session, script, runner.transcript().done.size()));
    TRY(agreed());
    return runner;
  }
  TRY(check_policy(session, script));
  TRY(check_nothing_there(session, script, 0));
  TRY(agreed());
  Transcript transcript;
  transcript.script = std::move(script);
  Runner runner(session, options, TRY(TranscriptFile::create(options.transcript)), std::move(transcript));
  TRY(runner.begin(room, now()));
  return runner;
}

}  // namespace

Result<ExitCode> run_ceremony(const Session& session, CeremonyRun options) {
  Script script = TRY(read_script(TRY(read_input(options.file, kMaxFile)), options.file));
  if (options.check) return only_check(session, script);
  if (options.file == "-" || (!options.yes && ::isatty(STDIN_FILENO) == 0))
    return fail(Code::bad_request, "standard input is no terminal, so nobody can be asked; --yes asks nobody");
  if (options.transcript.empty()) options.transcript = options.file + ".transcript";
  if (options.continued.empty()) TRY(TranscriptFile::check_free(options.transcript));
  const Room room = TRY(look_at_room(session));
  if (!session.json) print(render_script(script));
  std::fflush(stdout);
  Runner runner = TRY(prepare(session, options, std::move(script), room));
  const InterruptionNote note(fmt::format("\nhubseal: the ceremony goes on with --continue {}\n", runner.path()));
  TRY(runner.do_steps());
  TRY(runner.finish());
  return tell_end(session, runner.transcript(), runner.path());
}

}  // namespace hubseal::cli
