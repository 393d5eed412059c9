#include "daemon/registry/vote_table.h"

#include "daemon/registry/columns.h"

namespace hubseal::daemon {

std::string_view to_string(Decision decision) {
  for (const auto& [name, value] : kDecisions)
    if (value == decision) return name;
  return "unknown";
}

namespace vote_table {

Result<> add(Database& database, const VoteRecord& vote) {
  Statement insert =
      TRY(database.prepare("INSERT INTO votes (approval, approver, decision, at, statement_hash, signature, "
                           "authenticator_data, client_data) VALUES (?,?,?,?,?,?,?,?)"));
  insert.bind(vote.approval)
      .bind(vote.approver)
      .bind(to_string(vote.decision))
      .bind(seconds(vote.at))
      .bind(ByteView(vote.statement_hash));
  for (const Bytes* part : {&vote.proof.signature, &vote.proof.authenticator_data, &vote.proof.client_data})
    part->empty() ? insert.bind_null() : insert.bind(ByteView(*part));
  return insert.run();
}

Result<bool> has_agreed(Database& database, std::int64_t approval, const std::string& person) {
  Statement row = TRY(
      database.prepare("SELECT 1 FROM votes JOIN approvers ON approvers.row = votes.approver WHERE approval = ? AND "
                       "person = ? AND decision = 'approve' AND removed_at IS NULL"));
  return row.bind(approval).bind(person).step();
}

Result<bool> has_signed(Database& database, std::int64_t approval, ByteView public_key, Decision decision) {
  Statement row = TRY(
      database.prepare("SELECT 1 FROM votes JOIN approvers ON approvers.row = votes.approver WHERE approval = ? AND "
                       "public_key = ? AND decision = ?"));
  return row.bind(approval).bind(public_key).bind(to_string(decision)).step();
}

Result<std::vector<Cast>> list(Database& database, std::int64_t approval) {
  Statement rows = TRY(
      database.prepare("SELECT name, person, kind, decision, at, statement_hash, removed_at FROM votes JOIN approvers "
                       "ON approvers.row = votes.approver WHERE approval = ? ORDER BY at, approvers.row"));
  rows.bind(approval);
  std::vector<Cast> votes;
  while (TRY(rows.step())) {
    Cast vote{.approver = rows.text(0), .person = rows.text(1)};
    vote.kind = TRY(word_to_value(kApproverKinds, rows.text(2)));
    vote.decision = TRY(word_to_value(kDecisions, rows.text(3)));
    vote.at = time_from(rows.integer(4));
    vote.statement_hash = rows.blob(5);
    vote.counts = rows.is_null(6) || vote.decision == Decision::reject;
    votes.push_back(std::move(vote));
  }
  return votes;
}

}  // namespace vote_table
}  // namespace hubseal::daemon
