/// A request and its answer, without the library that carried them.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "agent/service/caller.h"
#include "agent/service/page.h"
#include "common/json.h"
#include "common/number.h"

namespace hubseal::agent::http {

struct Route;

/// What came over the connection: the body is complete and within its cap, nothing else is checked.
struct Incoming {
  std::string method = {};
  std::string target = {};  ///< path and query, as sent
  std::optional<std::string> content_type = {};
  std::optional<std::string> host = {};
  std::optional<std::string> origin = {};
  std::optional<std::string> x_dfsp_id = {};
  std::optional<std::string> authorization = {};
  std::optional<std::string> cookie = {};
  std::optional<std::string> if_match = {};
  std::optional<std::string> if_none_match = {};
  bool csrf = false;  ///< whether it has the header that only this server's own pages can set
  std::string body = {};
  std::string peer = {};  ///< address, for the log
};

/// What a handler gets: routed, decoded, checked against the route's declarations.
struct Request {
  std::map<std::string, std::string, std::less<>> path;  ///< parameters in braces
  std::map<std::string, std::string, std::less<>> query;
  Json body;                             ///< an object or a list, as the route says; null where it declares none
  std::string cookies = {};              ///< the header, for what deals with logins
  std::string raw;                       ///< the body as it came, where the route names a media type
  std::string peer = {};                 ///< address and port
  Page page = {};                        ///< of a list
  std::optional<std::string> if_match;   ///< the header: ETags of what the caller has read
  std::optional<std::string> x_dfsp_id;  ///< the header, which a DFSP's connector sends; anybody could
  std::optional<std::string> host = {};  ///< of a name that is accepted
  Caller caller;

  const std::string& param(std::string_view name) const {
    const auto found = path.find(name);
    if (found == path.end()) throw std::logic_error("a route has no such parameter: " + std::string(name));
    return found->second;
  }
  std::int64_t number(std::string_view name) const { return parse_number<std::int64_t>(param(name)).value(); }
  /// A member of the body that is a text; nothing where it is absent or null.
  std::optional<std::string> text(const char* member) const {
    const auto found = body.find(member);
    if (found == body.end() || found->is_null()) return std::nullopt;
    return found->get<std::string>();
  }
  std::optional<std::string> query_value(std::string_view name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::nullopt : std::optional(found->second);
  }
};

struct Answer {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::optional<int> retry_after_seconds;
  std::optional<int> cache_seconds;  ///< may be kept by anybody so long; otherwise by nobody
  std::string allow;                 ///< methods, with 405
  std::string content_policy = {};   ///< what a page may load (CSP); otherwise nothing
  bool close = false;                ///< the connection cannot be used again
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< others; no line ends in them
  bool secret = false;                                            ///< the body is wiped at the end, sent or not
  std::string caller = {};                                        ///< who asked, for the log
  const Route* route = nullptr;                ///< what was asked for, for the metrics; null: no operation
  std::chrono::steady_clock::duration took{};  ///< from the whole request to the answer
};

/// Success, as clients know it: indented by two spaces.
inline Answer ok(const Json& body, int status = 200) {
  Answer answer;
  answer.status = status;
  answer.body = body.dump(2, ' ', false, Json::error_handler_t::replace);
  return answer;
}

/// Done, and there is nothing to show.
inline Answer no_content() {
  Answer answer;
  answer.status = 204;
  return answer;
}

/// Done, and there is nothing to show, where clients look for 200 and would read a body that says it is JSON.
inline Answer empty_ok() {
  Answer answer;
  answer.content_type.clear();
  return answer;
}

}  // namespace hubseal::agent::http
