#include "cli/audit_evidence.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/input_output.h"
#include "cli/table.h"
#include "common/key_types.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxKeyBytes = 8192, kMaxNoteBytes = 8192;

/// What the record is about, in one word.
std::string about(const Json& record) {
  for (const char* member : {"subject", "key", "label", "ca", "approval", "name", "op", "version"})
    if (!member_of(record, member).is_null()) return text_of(record, member);
  return "-";
}

}  // namespace

Result<Bytes> read_audit_key(const std::string& file) {
  const std::string pem = TRY(read_input(file, kMaxKeyBytes));
  const auto wanted = [&file](const std::string& found) {
    return fail(Code::bad_request, fmt::format("input file {}: {}; wanted the log's public key, P-256 in PEM, as "
                                               "hubseal key show hubseal-audit --out FILE writes it",
                                               file, found));
  };
  auto spki = x509::der_of_pem(pem, {"PUBLIC KEY"});
  if (!spki) return wanted(spki.error().message);
  const auto key = x509::public_key_from_spki(*spki);
  if (!key) return wanted(key.error().message);
  const auto type = key_type_of(key->get());
  if (!type) return wanted(type.error().message);
  if (*type != KeyType::ec_p256) return wanted(fmt::format("a key of type {}", to_string(*type)));
  return spki;
}

Result<std::string> read_checkpoint(const std::string& file) {
  std::string text = TRY(read_input(file, kMaxNoteBytes));
  while (text.ends_with("\n\n")) text.pop_back();
  const auto note = audit::parse_note(text);
  const auto checkpoint = note ? audit::parse_checkpoint(note->text) : tl::unexpected(note.error());
  if (checkpoint) return text;
  return fail(Code::bad_request, fmt::format("input file {}: {}; wanted a checkpoint, as hubseal audit checkpoint "
                                             "--out FILE writes it",
                                             file, checkpoint.error().message));
}

Result<audit::Verdict> judge_copy(const audit::Evidence& evidence) {
  auto verdict = audit::verify(evidence);
  if (verdict || verdict.error().code == Code::too_large) return verdict;
  return fail(Code::bad_request,
              fmt::format("input folder {}: {}; wanted the folder of an audit log, with audit*.jsonl "
                          "and checkpoints",
                          evidence.folder.string(), verdict.error().message));
}

Result<SignedCheckpoint> check_note(const std::string& text, const std::vector<Bytes>& keys) {
  SignedCheckpoint result;
  result.note = TRY(audit::parse_note(text));
  result.checkpoint = TRY(audit::parse_checkpoint(result.note.text));
  for (const Bytes& spki : keys) {
    const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
    if (audit::is_signed_by(result.note, result.checkpoint.origin, spki, key.get())) return result;
  }
  const std::string other = audit::other_signer(result.note, result.checkpoint.origin, keys);
  return fail(Code::policy_denied,
              fmt::format("the checkpoint of {} records is not signed by this audit key{}", result.checkpoint.size,
                          other.empty() ? "" : fmt::format("; it names the key {}: is the key right?", other)));
}

Result<std::vector<audit::Hash>> read_proof(const Json& answer) {
  std::vector<audit::Hash> proof;
  for (const Json& text : member_of(answer, "proof")) {
    const Bytes bytes = TRY(from_base64(text.get<std::string>()));
    audit::Hash hash;
    if (bytes.size() != hash.size()) return fail(Code::bad_request, "a proof with a hash that is none");
    std::copy(bytes.begin(), bytes.end(), hash.begin());
    proof.push_back(hash);
  }
  return proof;
}

Result<std::string> fetch_record(const Session& session, std::uint64_t number) {
  if (number == 0) return fail(Code::bad_request, "records are numbered from 1");
  const Json page = TRY(session.call("list_records", {{"after", number - 1}, {"limit", 1}}));
  const Json& records = member_of(page, "records");
  if (!records.empty()) return records[0].get<std::string>();
  return fail(Code::not_found, fmt::format("there is no record {}; the log has {}", number, text_of(page, "of")));
}

std::string render_records(const Json& records) {
  Table table({"SEQ", "TIME", "PEER", "UID", "EVENT", "RESULT", "ABOUT"});
  for (const Json& line : records) {
    const auto record = parse_json(line.get<std::string>());
    if (!record) continue;
    table.row({text_of(*record, "seq"), text_of(*record, "time"), text_of(*record, "peer"), text_of(*record, "uid"),
               text_of(*record, "event"), text_of(*record, "result"), about(*record)});
  }
  return table.render();
}

}  // namespace hubseal::cli
