// Files and transcripts of ceremonies, as strangers hand them in. Input that begins with 0 is a file, with 1 a
// transcript, with any other byte a transcript whose hashes are put right here, because a fuzzer cannot hash. Whatever
// is read can be printed; what a run would write of a file that was accepted can be read again, or a ceremony could not
// go on.
#include "cli/ceremony/step_trace.h"
#include "cli/ceremony/verdict_view.h"
#include "common/key_types.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/chained.h"

using namespace hubseal;
using namespace hubseal::cli;
using test::chained;

namespace {

std::vector<Json> lines_of(std::string_view text) {
  std::vector<Json> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto line = parse_json(text.substr(0, end));
    if (!line || !line->is_object()) break;
    if (const auto file = line->find("text"); file != line->end() && file->is_string())
      (*line)["sha256"] = to_hex(sha256(as_bytes(file->get_ref<const std::string&>())));
    lines.push_back(*std::move(line));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void read_file(std::string_view text) {
  const auto script = read_script(std::string(text), "file");
  if (!script) return;
  MUST_HOLD(!render_script(*script).empty());
  std::vector<Json> lines = {header_line(*script, {"i", "v", "t", "s"}, "2026-11-28T00:00:00Z", 0)};
  for (std::size_t i = 0; i < script->steps.size(); ++i) {
    (void)differs(Json::object(), script->steps[i], {});
    lines.push_back(asked_line(i + 1, script->steps[i], {}, "2026-11-28T00:00:00Z"));
    lines.push_back(done_line(i + 1, script->steps[i], Json::object(), 1, "2026-11-28T00:00:00Z"));
  }
  const TranscriptReading reading = read_transcript(chained(lines));
  MUST_HOLD(!reading.fault);
  MUST_HOLD(reading.transcript.done.size() == script->steps.size());
}

void read_lines(std::string_view text) {
  TranscriptReading reading = read_transcript(text);
  MUST_HOLD(!reading.fault || !reading.fault->problem.empty());
  CeremonyVerdict verdict;
  verdict.transcript = std::move(reading.transcript);
  const Transcript& transcript = verdict.transcript;
  for (std::size_t i = 0; transcript.evidence && i < transcript.done.size(); ++i) {
    const auto record = parse_json(transcript.evidence->records[i]);
    if (!record) break;
    (void)differs(*record, transcript.script.steps[i], transcript.done[i].asked);
    const auto checked = check_answer(transcript, i, *record);
    MUST_HOLD(checked || !checked.error().message.empty());
    verdict.records.push_back(*record);
  }
  MUST_HOLD(!render_verdict(verdict).empty());
  MUST_HOLD(!dump_json(json_of(verdict)).empty());
  const CeremonyVerdict without_key = verify_transcript(text, {}, "");
  MUST_HOLD(without_key.fault);
  MUST_HOLD(!dump_json(json_of(without_key)).empty());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view text = text_of(data + 1, size - 1);
  if (data[0] == 0) read_file(text);
  if (data[0] == 1) read_lines(text);
  if (data[0] > 1) read_lines(chained(lines_of(text)));
  return 0;
}
