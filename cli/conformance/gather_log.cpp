#include <nlohmann/json.hpp>

#include "cli/audit_evidence.h"
#include "cli/conformance/gather.h"
#include "common/audit/checkpoint.h"
#include "common/audit/merkle.h"
#include "common/x509/pem.h"

namespace hubseal::cli::conformance {
namespace {

// c2sp.org/tlog-cosignature: eight bytes of time, then an Ed25519 signature.
constexpr std::size_t kCosignatureBytes = 8 + 64;

/// Who has cosigned, and when. hubseald keeps only what it has verified; the witnesses' keys are known there and not
/// here.
std::vector<Cosignature> cosignatures_of(const audit::SignedNote& note, const std::string& origin) {
  std::vector<Cosignature> found;
  for (const audit::NoteSignature& signature : note.signatures) {
    if (signature.name == origin || signature.value.size() != kCosignatureBytes) continue;
    std::uint64_t seconds = 0;
    for (int i = 0; i < 8; ++i) seconds = (seconds << 8) | signature.value[static_cast<std::size_t>(i)];
    found.push_back({signature.name, TimePoint(std::chrono::seconds(static_cast<std::int64_t>(seconds)))});
  }
  return found;
}

/// Whether a record is in the tree that was signed.
Result<bool> is_in_tree(const Session& session, std::uint64_t number, const std::vector<Bytes>& keys) {
  const std::string line = TRY(fetch_record(session, number));
  const Json answer = TRY(session.call("prove_record", {{"record", number}}));
  const SignedCheckpoint against = TRY(check_note(text_of(answer, "note"), keys));
  return audit::verify_inclusion(audit::leaf_hash(as_bytes(line)), number - 1, against.checkpoint.size,
                                 TRY(read_proof(answer)), against.checkpoint.root);
}

/// Whether the log begins with its first record: the shortest log that there was.
Result<bool> is_consistent(const Session& session, const std::vector<Bytes>& keys) {
  const audit::Hash first = audit::leaf_hash(as_bytes(TRY(fetch_record(session, 1))));
  const Json answer = TRY(session.call("prove_consistency", {{"from", 1}}));
  const SignedCheckpoint now = TRY(check_note(text_of(answer, "note"), keys));
  return audit::verify_consistency(1, first, now.checkpoint.size, now.checkpoint.root, TRY(read_proof(answer)));
}

Result<std::optional<TimePoint>> oldest_after(const Session& session, std::uint64_t number) {
  const Json page = TRY(session.call("list_records", {{"after", number}, {"limit", 1}}));
  const Json& records = member_of(page, "records");
  if (records.empty()) return std::nullopt;
  return TRY(parse_utc(text_of(TRY(parse_json(records[0].get<std::string>())), "time")));
}

/// Whether the record tells that a CA was made, or came here.
bool is_making(const Json& record) {
  const std::string event = text_of(record, "event");
  return (event == "create_ca" || event == "install_ca" || event == "import_ca") && text_of(record, "result") == "ok";
}

/// Ceremonies come first: one page is all that is looked at.
Result<std::vector<Making>> first_makings(const Session& session) {
  std::vector<Making> makings;
  const Json page = TRY(session.call("list_records", {{"limit", 500}}));
  for (const Json& line : member_of(page, "records")) {
    const Json record = TRY(parse_json(line.get<std::string>()));
    if (!is_making(record)) continue;
    makings.push_back({.record = member_of(record, "seq").get<std::uint64_t>(),
                       .at = TRY(parse_utc(text_of(record, "time"))),
                       .event = text_of(record, "event"),
                       .ca = text_of(record, "ca"),
                       .peer = text_of(record, "peer")});
  }
  return makings;
}

}  // namespace

Result<Log> gather_log(const Session& session) {
  const Json answer = TRY(session.call("get_checkpoint", Json::object()));
  const audit::SignedNote note = TRY(audit::parse_note(text_of(answer, "note")));
  const audit::Checkpoint checkpoint = TRY(audit::parse_checkpoint(note.text));
  const std::vector<Bytes> keys = {TRY(x509::der_of_pem(text_of(answer, "public_key"), {"PUBLIC KEY"}))};
  Log log;
  log.origin = checkpoint.origin;
  log.size = checkpoint.size;
  log.cosignatures = cosignatures_of(note, checkpoint.origin);
  log.signature_good = check_note(text_of(answer, "note"), keys).has_value();
  log.makings = TRY(first_makings(session));
  log.uncovered = TRY(oldest_after(session, checkpoint.size));
  if (!log.signature_good || log.size == 0) return log;
  log.first_in_tree = TRY(is_in_tree(session, 1, keys));
  log.last_in_tree = TRY(is_in_tree(session, log.size, keys));
  log.consistent = TRY(is_consistent(session, keys));
  return log;
}

}  // namespace hubseal::cli::conformance
