#include "cli/audit_evidence.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/input_output.h"
#include "cli/table.h"
#include "common/x509/pem.h"
#include "common/x509/public_key.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxKeyBytes = 8192;

/// What the record is about, in one word.
std::string about(const Json& record) {
  for (const char* member : {"subject", "key", "label", "ca", "approval", "name", "op", "version"})
    if (!member_of(record, member).is_null()) return text_of(record, member);
  return "-";
}

}  // namespace

Result<Bytes> read_audit_key(const std::string& file) {
  const std::string pem = TRY(read_input(file, kMaxKeyBytes));
  auto spki = x509::der_of_pem(pem, {"PUBLIC KEY"});
  if (!spki) return fail(Code::bad_request, fmt::format("{}: {}", file, spki.error().message));
  TRY(x509::public_key_from_spki(*spki));
  return spki;
}

Result<SignedCheckpoint> check_note(const std::string& text, const std::vector<Bytes>& keys) {
  SignedCheckpoint result;
  result.note = TRY(audit::parse_note(text));
  result.checkpoint = TRY(audit::parse_checkpoint(result.note.text));
  for (const Bytes& spki : keys) {
    const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
    if (audit::is_signed_by(result.note, result.checkpoint.origin, spki, key.get())) return result;
  }
  return fail(Code::policy_denied,
              fmt::format("the checkpoint of {} records is not signed by this audit key", result.checkpoint.size));
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
