#include "cli/approval_view.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/policy_changes.h"
#include "cli/session.h"
#include "cli/table.h"
#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::cli {
namespace {

std::string tally(const Json& approval) {
  return fmt::format("{} of {}", text_of(approval, "agreed"), text_of(approval, "needed"));
}

/// Why, where nobody's vote has ended it.
std::string state_of(const Json& approval) {
  const std::string state = text_of(approval, "state");
  if (member_of(approval, "reason").is_null()) return state;
  return fmt::format("{} ({})", state, text_of(approval, "reason"));
}

std::string asked_by(const Json& approval) {
  const Json& requester = member_of(approval, "requester");
  return fmt::format("{} (uid {})", text_of(requester, "peer"), text_of(requester, "uid"));
}

/// As JSON writes them, each on a line.
std::string members_text(const Json& object) {
  std::string text;
  for (const auto& [name, value] : object.items()) text += fmt::format("{}: {}\n", dump_json(name), dump_json(value));
  return text;
}

/// Lists as people write them, everything else as JSON writes it.
std::string value_text(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && !value.empty()) return members_text(value);
  if (!value.is_array()) return dump_json(value);
  std::string text;
  for (const Json& item : value) text.append(text.empty() ? "" : ", ").append(value_text(item));
  return text.empty() ? "none" : text;
}

/// One member under its mark; a text of several lines (a CSR) goes on below, further in.
void add_member(std::string& text, char mark, const std::string& name, const Json& value, std::size_t width) {
  std::string rest = value_text(value);
  if (rest.ends_with('\n')) rest.pop_back();
  std::string head = fmt::format("  {} {:<{}}  ", mark, display_text(name), width);
  while (true) {
    const std::size_t end = rest.find('\n');
    text += head + display_text(rest.substr(0, end)) + '\n';
    if (end == std::string::npos) return;
    rest.erase(0, end + 1);
    head = fmt::format("  {} {:<{}}  ", mark, "", width);
  }
}

std::string render_content(const Json& content, const Json& previous) {
  std::size_t width = 0;
  for (const auto& [name, value] : content.items()) width = std::max(width, name.size());
  std::string text;
  for (const auto& [name, value] : content.items()) {
    const Json& old = member_of(previous, name);
    if (old == value || previous.is_null()) {
      add_member(text, ' ', name, value, width);
      continue;
    }
    if (!old.is_null()) add_member(text, '-', name, old, width);
    add_member(text, '+', name, value, width);
  }
  return text;
}

std::string content_title(const Json& previous) {
  if (previous.is_null()) return "What will be done:\n";
  return fmt::format("What will be done, against the participant's certificate {}, valid {} to {}:\n",
                     text_of(previous, "serial"), text_of(previous, "not_before"), text_of(previous, "not_after"));
}

std::string render_votes(const Json& votes) {
  Table table({"APPROVER", "PERSON", "KIND", "DECISION", "AT", ""});
  for (const Json& vote : votes)
    table.row({text_of(vote, "approver"), text_of(vote, "person"), text_of(vote, "kind"), text_of(vote, "decision"),
               text_of(vote, "at"), member_of(vote, "counts") == Json(false) ? "no longer counts" : ""});
  return table.empty() ? "nobody has voted yet\n" : table.render();
}

/// The statement as it is, line by line.
std::string shown_statement(const std::string& statement) {
  std::string text;
  for (std::size_t start = 0; start < statement.size();) {
    const std::size_t end = std::min(statement.find('\n', start), statement.size());
    text += "  " + display_text(statement.substr(start, end - start)) + '\n';
    start = end + 1;
  }
  return text;
}

}  // namespace

Result<> check_statement(const Json& approval) {
  const std::string statement = text_of(approval, "statement");
  const Json& requester = member_of(approval, "requester");
  const std::pair<const char*, std::string> lines[] = {
      {"approval", text_of(approval, "approval")},
      {"operation", text_of(approval, "operation")},
      {"about", text_of(approval, "about")},
      {"content-sha256", to_hex(sha256(as_bytes(text_of(approval, "content"))))},
      {"policy-version", text_of(approval, "policy_version")},
      {"requester", fmt::format("{} uid {}", text_of(requester, "peer"), text_of(requester, "uid"))},
      {"expires", text_of(approval, "expires_at")}};
  for (const auto& [name, value] : lines)
    if (statement.find(fmt::format("\n{}: {}\n", name, value)) == std::string::npos)
      return fail(Code::conflict,
                  fmt::format("the statement of {} is not about what is shown: its {} is not {}. Do not "
                              "sign it",
                              text_of(approval, "approval"), name, value));
  return {};
}

Result<std::string> render_approval(const Json& approval) {
  TRY(check_statement(approval));
  const Json content = TRY(parse_json(text_of(approval, "content")));
  const Json& previous = member_of(approval, "previous");
  std::string text = render_pairs({{"approval", text_of(approval, "approval")},
                                   {"state", fmt::format("{}, {} have agreed", state_of(approval), tally(approval))},
                                   {"operation", text_of(approval, "operation")},
                                   {"about", text_of(approval, "about")},
                                   {"asked by", asked_by(approval)},
                                   {"asked at", text_of(approval, "created_at")},
                                   {"expires", text_of(approval, "expires_at")},
                                   {"policy", text_of(approval, "policy_version")}});
  text += '\n' + content_title(previous) + render_content(content, previous);
  if (text_of(approval, "operation") == "load_policy")
    text += '\n' + TRY(render_policy_changes(content, member_of(approval, "files")));
  text += "\nVotes:\n" + render_votes(member_of(approval, "votes"));
  text += "\nThe statement that is signed (hubseal approval statement):\n" +
          shown_statement(text_of(approval, "statement"));
  return text;
}

std::string render_approvals(const Json& approvals) {
  Table table({"APPROVAL", "STATE", "AGREED", "OPERATION", "ABOUT", "ASKED BY", "EXPIRES"});
  for (const Json& approval : approvals)
    table.row({text_of(approval, "approval"), text_of(approval, "state"), tally(approval),
               text_of(approval, "operation"), text_of(approval, "about"), asked_by(approval),
               text_of(approval, "expires_at")});
  return table.render();
}

std::string render_approver(const Json& approver) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const std::pair<const char*, const char*> lines[] = {
      {"approver", "approver"}, {"person", "person"}, {"kind", "kind"},     {"uid", "uid"},
      {"key id", "key_id"},     {"rp id", "rp_id"},   {"origin", "origin"}, {"added", "added_at"}};
  for (const auto& [name, member] : lines)
    if (!member_of(approver, member).is_null()) pairs.emplace_back(name, text_of(approver, member));
  return render_pairs(pairs);
}

std::string render_approvers(const Json& approvers) {
  Table table({"APPROVER", "PERSON", "KIND", "UID", "KEY ID", "ADDED"});
  for (const Json& approver : approvers)
    table.row({text_of(approver, "approver"), text_of(approver, "person"), text_of(approver, "kind"),
               text_of(approver, "uid"), text_of(approver, "key_id").substr(0, 16), text_of(approver, "added_at")});
  return table.empty() ? "no approvers yet: hubseal approver add --help\n" : table.render();
}

}  // namespace hubseal::cli
