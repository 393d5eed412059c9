#include "common/audit/record_reader.h"

#include <charconv>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/key_types.h"

namespace hubseal::audit {
namespace {

constexpr std::string_view kBegin = R"({"seq":)", kThen = R"(,"time":")";
constexpr std::size_t kMaxTorn = 4 << 20;

/// Whether the braces outside strings close at the last byte and not before.
bool is_whole_object(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return i + 1 == text.size();
    }
  }
  return false;
}

/// What a record says of torn bytes. It may be edited: a member of another type is a member that is not there.
struct Named {
  bool torn = false;
  std::uint64_t bytes = 0;
  std::string sha256;
};

Named named_in(std::string_view line) {
  Named named;
  const auto record = parse_json(line);
  if (!record || !record->is_object()) return named;
  const auto text = [&](const char* member) {
    const auto found = record->find(member);
    return found != record->end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  const auto bytes = record->find("bytes");
  named.torn = text("event") == kTornEvent;
  if (bytes != record->end() && bytes->is_number_unsigned()) named.bytes = bytes->get<std::uint64_t>();
  named.sha256 = text("sha256");
  return named;
}

}  // namespace

std::optional<std::uint64_t> sequence_of(std::string_view line) {
  if (!line.starts_with(kBegin)) return std::nullopt;
  std::uint64_t sequence = 0;
  const char* end = line.data() + line.size();
  const auto [rest, problem] = std::from_chars(line.data() + kBegin.size(), end, sequence);
  if (problem != std::errc() || !std::string_view(rest, end).starts_with(kThen) || !is_whole_object(line))
    return std::nullopt;
  return sequence;
}

Json RecordReader::describe_torn(std::string_view bytes) {
  return {{"bytes", bytes.size()}, {"sha256", to_hex(sha256(as_bytes(bytes)))}};
}

Result<> RecordReader::check_torn(std::string_view line) const {
  // A cheap look first: this is asked of each record.
  const bool may_name_some = line.find(kTornEvent) != std::string_view::npos && !records_only_;
  if (torn_.empty() && !may_name_some) return {};
  const Named named = named_in(line);
  if (torn_.empty()) {
    if (!named.torn || named.bytes == 0) return {};
    return fail(Code::bad_request,
                fmt::format("record {} names {} bytes that a crash tore, and none stand in front of it (a copy that "
                            "export made has none: --exported)",
                            next_, named.bytes));
  }
  if (named.torn && named.bytes == torn_.size() && named.sha256 == to_hex(sha256(as_bytes(torn_)))) return {};
  return fail(Code::bad_request, fmt::format("in front of record {} stand {} bytes that are no record and that it does "
                                             "not name as torn by a crash",
                                             next_, torn_.size()));
}

Result<bool> RecordReader::take(std::string_view line, bool complete) {
  const auto sequence = complete ? sequence_of(line) : std::nullopt;
  if (!sequence) {
    torn_.append(line);
    if (complete) torn_ += '\n';
    if (torn_.size() > kMaxTorn)
      return fail(Code::bad_request,
                  fmt::format("after record {} come {} bytes without a record", next_ - 1, torn_.size()));
    return false;
  }
  if (*sequence != next_)
    return fail(Code::bad_request, fmt::format("record {} is missing here; found is record {}", next_, *sequence));
  TRY(check_torn(line));
  torn_.clear();
  ++next_;
  return true;
}

}  // namespace hubseal::audit
