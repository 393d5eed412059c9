#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "cli/session.h"

namespace hubseal::cli {

constexpr int kPage = 500;  ///< the longest page that the daemon gives

struct Pages {
  Json items;         ///< a list
  bool more = false;  ///< the limit left some out
};

/// All pages of a list operation over one connection, as one list: `member` of each answer. With a `limit`, at most so
/// many; 0 is all. Errors: the daemon's; internal: it gives one page again and again.
Result<Pages> fetch_pages(const Session& session, std::string_view op, const std::string& member, const Json& fields,
                          int limit = 0);

}  // namespace hubseal::cli
