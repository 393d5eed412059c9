#include "cli/policy_changes.h"

#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/line_diff.h"
#include "cli/session.h"
#include "cli/table.h"
#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kContext = 3;  // lines around a change

using Files = std::map<std::string, Json>;

std::string hash_of(const std::string& text) { return to_hex(sha256(as_bytes(text))); }

tl::unexpected<Error> lie(const std::string& name) {
  return fail(Code::conflict,
              fmt::format("what is shown of {} is not what the request is about. Do not sign it", name));
}

/// Whether that is what was agreed to: the hashes on both sides, and the texts beside them. The policy in force is
/// known by the hash over its list of hashes, as sha256sum prints it.
Result<Files> checked(const Json& content, const Json& files) {
  const Json& wanted = member_of(content, "files");
  Files by_name;
  std::string listing;
  for (const Json& file : files) {
    const std::string name = text_of(file, "name");
    if (member_of(file, "sha256") != member_of(wanted, name) || !by_name.emplace(name, file).second) return lie(name);
    for (const auto& [text, sha256] : {std::pair{"text", "sha256"}, std::pair{"before", "before_sha256"}})
      if (!member_of(file, text).is_null() && hash_of(text_of(file, text)) != text_of(file, sha256)) return lie(name);
  }
  for (const auto& [name, hash] : wanted.items())
    if (!by_name.contains(name)) return lie(name);
  for (const auto& [name, file] : by_name)
    if (!member_of(file, "before_sha256").is_null())
      listing += fmt::format("{}  {}\n", text_of(file, "before_sha256"), name);
  if (hash_of(listing) != text_of(member_of(content, "replaces"), "sha256")) return lie("the policy in force");
  return by_name;
}

/// The lines that differ, with some around them.
std::string render_diff(const std::string& before, const std::string& after) {
  const std::vector<DiffLine> lines = diff_lines(before, after);
  std::vector<bool> shown(lines.size());
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (lines[at].mark == ' ') continue;
    const std::size_t end = std::min(at + kContext + 1, lines.size());
    for (std::size_t near = at - std::min(at, kContext); near < end; ++near) shown[near] = true;
  }
  std::string text;
  for (std::size_t at = 0; at < lines.size(); ++at) {
    if (!shown[at]) continue;
    if (at > 0 && !shown[at - 1]) text += "      ...\n";
    std::string_view line = lines[at].text;
    const bool ended = line.ends_with('\n');
    if (ended) line.remove_suffix(1);
    text += fmt::format("    {} {:>5}  {}\n", lines[at].mark, lines[at].number, display_text(line));
    if (!ended) text += "             (no line feed at the end)\n";
  }
  return text;
}

std::string render_file(const std::string& name, const Json& file, const Json& replaces) {
  const bool was = !member_of(file, "before_sha256").is_null();
  const bool will_be = !member_of(file, "sha256").is_null();
  const bool old_text = !member_of(file, "before").is_null();
  std::string head = "  " + display_text(name);
  if (will_be && member_of(file, "text").is_null())
    return head + ": its text was not kept with the request. Do not agree; have it asked for again\n";
  if (!was) head += ", a new file";
  if (!will_be) head += ", which goes";
  if (was && !old_text)
    head += fmt::format("; what is in force is too long to stand here as well (hubseal policy show {} --file {})",
                        text_of(replaces, "version"), display_text(name));
  return head + ":\n" + render_diff(old_text ? text_of(file, "before") : "", will_be ? text_of(file, "text") : "");
}

}  // namespace

Result<std::string> render_policy_changes(const Json& content, const Json& files) {
  const Json& replaces = member_of(content, "replaces");
  std::string text = fmt::format("What changes, against policy version {} (-: in force, +: would be):\n",
                                 text_of(replaces, "version"));
  if (files.is_null()) return text + "  hubseald does not say. Do not agree\n";
  for (const auto& [name, file] : TRY(checked(content, files)))
    if (member_of(file, "sha256") != member_of(file, "before_sha256")) text += render_file(name, file, replaces);
  return text;
}

}  // namespace hubseal::cli
