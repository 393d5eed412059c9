#include "agent/http/etag.h"

#include <algorithm>

#include "common/bytes.h"
#include "common/key_types.h"

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kHashDigits = 32;

enum class Comparison { strong, weak };

/// No ETag of ours has a comma in it.
bool names(std::string_view header, std::string_view etag, Comparison comparison) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(','), header.size());
    std::string_view item = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
    while (item.ends_with(' ') || item.ends_with('\t')) item.remove_suffix(1);
    if (comparison == Comparison::weak && item.starts_with("W/")) item.remove_prefix(2);
    if (item == etag) return true;
  }
  return false;
}

}  // namespace

std::string etag_of(std::string_view body) {
  return "\"" + to_hex(sha256(as_bytes(body))).substr(0, kHashDigits) + "\"";
}

bool if_match_names(std::string_view header, std::string_view etag) {
  return header == "*" || names(header, etag, Comparison::strong);
}

Answer with_etag(Answer answer, const std::optional<std::string>& if_none_match) {
  if (answer.status != 200) return answer;
  const std::string etag = etag_of(answer.body);
  answer.headers.emplace_back("ETag", etag);
  if (!if_none_match || (*if_none_match != "*" && !names(*if_none_match, etag, Comparison::weak))) return answer;
  answer.status = 304;
  answer.body.clear();
  return answer;
}

}  // namespace hubseal::agent::http
