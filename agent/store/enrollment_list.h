/// What lists of enrollments of both directions have in common; internal to store/.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/page.h"
#include "agent/store/sessions.h"

namespace hubseal::agent::store {

/// `select`, which ends with a condition on the DFSP $1: those that wait, which are at most as many as may, then the
/// others, each the newest first; `most` of them, or as many as the page holds. CSR_LOADED is the later of the two
/// states in the alphabet, so that the index on DFSP, state and id has them in this order.
inline Poco::Data::Statement select_by_state(Session& session, const std::string& select, std::string_view dfsp_id,
                                             std::optional<std::string_view> state, int most, const Page& page) {
  namespace sql = Poco::Data::Keywords;
  Poco::Data::Statement statement(session);
  statement << select
            << (state ? " AND state = $2 ORDER BY state DESC, id DESC LIMIT $3 OFFSET $4"
                      : " ORDER BY state DESC, id DESC LIMIT $2 OFFSET $3");
  statement, sql::bind(std::string(dfsp_id));
  if (state) statement, sql::bind(std::string(*state));
  statement, sql::bind(std::min(page.limit.value_or(most), most)), sql::bind(page.offset);
  return statement;
}

/// 10 before 9, as clients know it.
template <class Enrollment>
void sort_by_number_as_text(std::vector<Enrollment>& enrollments) {
  std::sort(enrollments.begin(), enrollments.end(), [](const Enrollment& one, const Enrollment& other) {
    return std::to_string(one.id) < std::to_string(other.id);
  });
}

}  // namespace hubseal::agent::store
