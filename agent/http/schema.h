/// What a route says its JSON body looks like, and the check.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/errors.h"
#include "common/json.h"

namespace hubseal::agent::http {

enum class Type { text, boolean, number, text_list, text_or_list, object, object_list };

/// A member of the body. Members that no schema names are tolerated, as clients expect, where it is not `closed`.
struct Member {
  std::string_view name;
  Type type = Type::text;
  bool required = false;
  std::size_t max_bytes = 512;  ///< of the text, or of each text of the list
  std::size_t min_bytes = 0;
  std::size_t max_items = 64;
  std::size_t min_items = 0;
  std::vector<std::string_view> one_of = {};  ///< the words that a text may be; empty: any
  std::vector<Member> members = {};           ///< of the object, or of each object of the list
  bool closed = false;                        ///< no other members in those
  bool nullable = false;                      ///< null stands for its absence
};

using Schema = std::vector<Member>;

/// All that is wrong with `body`, in the order of the schema; nothing when it fits. `closed` refuses members that the
/// schema does not name.
std::vector<Violation> check_body(const Json& body, const Schema& schema, bool closed = false);

/// As check_body, of a list whose items are objects that the schema describes.
std::vector<Violation> check_list_body(const Json& body, const Schema& schema);

}  // namespace hubseal::agent::http
