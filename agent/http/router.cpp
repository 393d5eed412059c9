#include "agent/http/router.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kMaxSegments = 16;

bool is_parameter(std::string_view pattern) { return pattern.starts_with('{'); }

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

Result<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    const auto byte = from_hex(text.substr(i + 1, 2));
    if (!byte || byte->empty())
      return fail(Code::bad_request, fmt::format("broken percent-encoding in \"{}\"", log::printable(text, 80)));
    decoded += static_cast<char>(byte->front());
    i += 2;
  }
  return decoded;
}

bool is_utf8(std::string_view text) {
  try {
    static_cast<void>(Json(text).dump());
    return true;
  } catch (const Json::exception&) {
    return false;
  }
}

Result<> check_characters(std::string_view decoded) {
  // No name here and no database text has other bytes.
  if (!is_utf8(decoded))
    return fail(Code::bad_request, fmt::format("\"{}\" is not UTF-8", log::printable(decoded, 80)));
  for (const char c : decoded)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return fail(Code::bad_request, fmt::format("control character in \"{}\"", log::printable(decoded, 80)));
  return {};
}

Result<std::string> parse_segment(std::string_view raw) {
  std::string segment = TRY(percent_decoded(raw));
  TRY(check_characters(segment));
  if (segment.find_first_of("/\\") != std::string::npos || segment == "." || segment == "..")
    return fail(Code::bad_request,
                fmt::format("path segment \"{}\" is not accepted; wanted no slash and no dot segment",
                            log::printable(raw, 80)));
  return segment;
}

Result<std::vector<std::pair<std::string, std::string>>> parse_query(std::string_view text) {
  std::vector<std::pair<std::string, std::string>> query;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view item = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(item.find('='), item.size());
    std::string name = TRY(percent_decoded(item.substr(0, equals)));
    std::string value = TRY(percent_decoded(item.substr(std::min(equals + 1, item.size()))));
    TRY(check_characters(name));
    TRY(check_characters(value));
    query.emplace_back(std::move(name), std::move(value));
    if (query.size() > kMaxSegments) return fail(Code::bad_request, "too many query parameters");
  }
  return query;
}

std::vector<std::string> split_pattern(std::string_view path) {
  std::vector<std::string> segments;
  for (path.remove_prefix(1); !path.empty();) {
    const std::size_t end = std::min(path.find('/'), path.size());
    segments.emplace_back(path.substr(0, end));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  return segments;
}

bool takes_rest(std::string_view path) { return path.ends_with("*}"); }

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& segments) {
  if (!pattern.empty() && takes_rest(pattern.back()))
    return false;  // match_rest() only: its parameter has another name
  return std::equal(pattern.begin(), pattern.end(), segments.begin(), segments.end(),
                    [](const std::string& expected, const std::string& found) {
                      return is_parameter(expected) ? !found.empty() : same_word(expected, found);
                    });
}

/// Whether `a` is to be tried before `b`: at the first difference in kind, the static segment wins.
bool more_static(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    if (is_parameter(a[i]) != is_parameter(b[i])) return is_parameter(b[i]);
  return false;
}

}  // namespace

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/'))
    return fail(Code::bad_request, fmt::format("request target \"{}\" is not a path", log::printable(target, 80)));
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, question - 1);
  Target parsed;
  if (path.ends_with('/')) path.remove_suffix(1);
  const bool second_slash = path.ends_with('/');  // "/a//" is not "/a": its last segment is empty
  while (!path.empty()) {
    if (parsed.segments.size() == kMaxSegments) return fail(Code::bad_request, "the path has too many segments");
    const std::size_t end = std::min(path.find('/'), path.size());
    parsed.segments.push_back(TRY(parse_segment(path.substr(0, end))));
    path.remove_prefix(std::min(end + 1, path.size()));
  }
  if (second_slash) parsed.segments.emplace_back();
  parsed.query = TRY(parse_query(target.substr(std::min(question + 1, target.size()))));
  return parsed;
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  for (const Route& route : routes_) patterns_.push_back(split_pattern(route.path));
}

std::optional<Router::Match> Router::match_rest(std::string_view method, std::string_view target) const {
  for (const Route& route : routes_) {
    const std::size_t brace = route.path.rfind('{');
    if (!takes_rest(route.path) || route.method != method) continue;
    const std::string_view prefix = std::string_view(route.path).substr(0, brace);
    if (!same_word(prefix, target.substr(0, prefix.size())) || target.size() == prefix.size()) continue;
    auto rest = percent_decoded(target.substr(prefix.size()));
    if (!rest || !check_characters(*rest)) continue;
    Match match{.route = &route, .path = {}, .allow = {}};
    match.path.emplace(route.path.substr(brace + 1, route.path.size() - brace - 3), *std::move(rest));
    return match;
  }
  return std::nullopt;
}

Router::Match Router::match(std::string_view method, const std::vector<std::string>& segments) const {
  const std::vector<std::string>* best = nullptr;
  for (const auto& pattern : patterns_)
    if (fits(pattern, segments) && (!best || more_static(pattern, *best))) best = &pattern;
  Match match;
  if (!best) return match;
  // The most static path decides before the method does: /dfsps/servercerts is no DFSP's record.
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (patterns_[i] != *best) continue;
    if (routes_[i].method == method) match.route = &routes_[i];
    match.allow.append(match.allow.empty() ? "" : ", ").append(routes_[i].method);
  }
  for (std::size_t i = 0; i < best->size(); ++i)
    if (const std::string& name = (*best)[i]; is_parameter(name))
      match.path.emplace(name.substr(1, name.size() - 2), segments[i]);
  return match;
}

}  // namespace hubseal::agent::http
