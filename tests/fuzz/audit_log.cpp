// Any bytes as a file of the audit log, as somebody may have edited it, and as a file of checkpoints.
#include "common/audit/checkpoint.h"
#include "common/audit/record_reader.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;

namespace {

void read(std::string_view text, bool exported) {
  audit::RecordReader reader;
  if (exported) reader.expect_records_only();
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::uint64_t next = reader.next();
    const auto record = reader.take(line, end != std::string_view::npos);
    if (!record) {
      MUST_HOLD(record.error().code == Code::bad_request);
      return;
    }
    MUST_HOLD(reader.next() == next + (*record ? 1 : 0));
    MUST_HOLD(!*record || (reader.torn().empty() && audit::sequence_of(line) == next));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of(data, size);
  read(text, false);
  read(text, true);
  for (const std::string_view one : audit::split_notes(text)) {
    const auto note = audit::parse_note(one);
    if (!note) continue;
    const auto again = audit::parse_note(audit::to_text(*note));
    MUST_HOLD(!again || again->text == note->text);
    const auto checkpoint = audit::parse_checkpoint(note->text);
    if (!checkpoint) continue;
    const auto same = audit::parse_checkpoint(audit::text_of(*checkpoint));
    MUST_HOLD(same && same->size == checkpoint->size && same->root == checkpoint->root);
  }
  return 0;
}
