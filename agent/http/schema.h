/// What a route says its JSON body looks like, and the check.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "agent/http/errors.h"
#include "common/json.h"

namespace hubseal::agent::http {

enum class Type { text, boolean, number, text_list, text_or_list };

/// A member of the body. Members that no schema names are tolerated, as clients expect.
struct Member {
  std::string_view name;
  Type type = Type::text;
  bool required = false;
  std::size_t max_bytes = 512;  ///< of the text, or of each text of the list
  std::size_t min_bytes = 0;
  std::size_t max_items = 64;
  bool nullable = false;  ///< null stands for its absence
};

using Schema = std::vector<Member>;

/// All that is wrong with `body`, in the order of the schema; nothing when it fits.
std::vector<Violation> check_body(const Json& body, const Schema& schema);

/// As check_body, of a list whose items are objects that the schema describes.
std::vector<Violation> check_list_body(const Json& body, const Schema& schema);

/// Whether a member called "privateKey" stands anywhere in `body`.
bool holds_private_key(const Json& body);

}  // namespace hubseal::agent::http
