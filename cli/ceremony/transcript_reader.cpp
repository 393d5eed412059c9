// Lines of a transcript, taken one after the other: each has its place, and anything else is a fault.
#include <fmt/format.h>

#include "cli/ceremony/transcript.h"
#include "common/fields.h"
#include "common/key_types.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxText = 256 * 1024;
constexpr std::size_t kMaxWord = 1024;

tl::unexpected<Error> wrong(std::string problem) { return fail(Code::bad_request, std::move(problem)); }

Result<std::uint64_t> number(Fields& fields, const char* member) {
  return static_cast<std::uint64_t>(TRY(fields.integer(member, 0, INT64_MAX)));
}

Result<std::uint32_t> uid(Fields& fields) {
  return static_cast<std::uint32_t>(TRY(fields.integer("uid", 0, UINT32_MAX)));
}

class Reader {
 public:
  Result<> take(std::string_view text) {
    ++line_;
    const Json json = TRY(parse_json(text));
    Fields fields = TRY(Fields::of(json));
    if (TRY(fields.text("before", 64)) != last_) return wrong("is not the line that was written after the one before");
    const std::string kind = TRY(fields.text("line", 16));
    if ((kind == "begin") != (line_ == 1)) return wrong("begin is the first line and no other");
    if (transcript_.ended) return wrong("stands behind the end");
    TRY(take_kind(kind, fields, json));
    TRY(fields.nothing_left());
    // The last line has none behind it that would know its hash: it can be spelled in one way only.
    if (dump_json(json) != text) return wrong("was not written like this");
    last_ = transcript_.last_line = line_hash(text);
    return {};
  }
  Transcript& transcript() { return transcript_; }

 private:
  Result<> take_kind(const std::string& kind, Fields& fields, const Json& json) {
    if (kind == "begin") return take_begin(fields);
    if (kind == "asked") return take_asked(fields, json);
    if (kind == "done") return take_done(fields, json);
    if (kind == "refused") return take_refused(fields);
    if (kind == "evidence") return take_evidence(fields);
    if (kind != "end") return wrong(fmt::format("\"{}\" is no kind of line", kind));
    if (!transcript_.evidence) return wrong("is the end before the evidence");
    transcript_.ended = true;
    return {};
  }

  Result<> take_begin(Fields& fields) {
    if (TRY(number(fields, "version")) != kTranscriptVersion)
      return wrong(fmt::format("is of another version; this hubseal reads {}", kTranscriptVersion));
    std::string text = TRY(fields.text("text", kMaxText));
    const std::string digest = TRY(fields.text("sha256", 64));
    if (to_hex(sha256(as_bytes(text))) != digest) return wrong("the text of the file has another SHA-256");
    transcript_.script = TRY(read_script(std::move(text), "the file"));
    transcript_.hubseal = TRY(fields.text("hubseal", kMaxWord));
    Fields daemon = TRY(fields.object("daemon"));
    transcript_.room.version = TRY(daemon.text("version", kMaxWord));
    transcript_.room.instance = TRY(daemon.text("instance", kMaxWord));
    transcript_.room.token = TRY(daemon.text("token", kMaxWord));
    transcript_.room.token_serial = TRY(daemon.text("token_serial", kMaxWord));
    TRY(daemon.nothing_left());
    transcript_.time = TRY(fields.text("time", 32));
    transcript_.uid = TRY(uid(fields));
    return {};
  }

  /// The step that is next, which every line but the first and the last ones is about.
  Result<const CeremonyStep*> next_step(Fields& fields) {
    const std::uint64_t n = TRY(number(fields, "n"));
    const std::size_t next = transcript_.done.size() + 1;
    if (transcript_.evidence || next > transcript_.script.steps.size())
      return wrong("is about a step, but all of them are done");
    if (n != next) return wrong(fmt::format("is about step {}; step {} is next", n, next));
    return &transcript_.script.steps[next - 1];
  }

  static Result<> check_request(Fields& fields, const Json& json, const CeremonyStep& step) {
    TRY(fields.object("request"));
    if (asks_for(json["request"], step)) return {};
    return wrong(fmt::format("asks for something else than the file, which has {} here", name_of(step)));
  }

  Result<> take_asked(Fields& fields, const Json& json) {
    TRY(check_request(fields, json, *TRY(next_step(fields))));
    Asked asked;
    asked.records = TRY(number(fields, "records"));
    asked.uid = TRY(uid(fields));
    TRY(fields.text("time", 32));
    transcript_.pending = asked;
    return {};
  }

  Result<> take_done(Fields& fields, const Json& json) {
    const CeremonyStep& step = *TRY(next_step(fields));
    TRY(check_request(fields, json, step));
    if (!transcript_.pending) return wrong(fmt::format("step {} was never asked for", transcript_.done.size() + 1));
    DoneStep done;
    done.line = line_;
    done.asked = *transcript_.pending;
    done.time = TRY(fields.text("time", 32));
    TRY(fields.object("reply"));
    done.reply = json["reply"];
    done.record = TRY(number(fields, "record"));
    if (step.operation == "load_policy") transcript_.policy_changed = true;
    transcript_.done.push_back(std::move(done));
    transcript_.pending.reset();
    return {};
  }

  Result<> take_refused(Fields& fields) {
    TRY(next_step(fields));
    TRY(fields.text("code", 32));
    TRY(fields.text("message", kMaxText));
    TRY(fields.optional_text("approval", 24));
    TRY(fields.text("time", 32));
    return {};
  }

  Result<> take_evidence(Fields& fields) {
    const std::size_t steps = transcript_.script.steps.size();
    if (transcript_.done.size() != steps || transcript_.evidence)
      return wrong(fmt::format("the evidence stands in the wrong place: {} of {} steps are done",
                               transcript_.done.size(), steps));
    Evidence evidence;
    evidence.line = line_;
    evidence.note = TRY(fields.text("note", 8192));
    evidence.public_key = TRY(fields.text("public_key", 8192));
    evidence.records = TRY(fields.text_list("records", steps, kMaxText));
    for (Fields& proof : TRY(fields.object_list("proofs", steps))) {
      Json hashes;
      hashes["proof"] = TRY(proof.text_list("proof", 64, 64));
      evidence.proofs.push_back(std::move(hashes));
      TRY(proof.nothing_left());
    }
    if (evidence.records.size() != steps || evidence.proofs.size() != steps)
      return wrong("there is not one record and one proof for each step");
    transcript_.evidence = std::move(evidence);
    return {};
  }

  Transcript transcript_;
  std::string last_ = no_line();
  std::size_t line_ = 0;
};

}  // namespace

TranscriptReading read_transcript(std::string_view text) {
  Reader reader;
  TranscriptReading reading;
  std::size_t line = 0;
  while (!text.empty() && !reading.fault) {
    ++line;
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) {
      reading.fault = {line, "is cut off"};
      break;
    }
    if (const auto taken = reader.take(text.substr(0, end)); !taken) reading.fault = {line, taken.error().message};
    text.remove_prefix(end + 1);
  }
  if (line == 0) reading.fault = {1, "there is none: the transcript is empty"};
  reading.transcript = std::move(reader.transcript());
  return reading;
}

}  // namespace hubseal::cli
