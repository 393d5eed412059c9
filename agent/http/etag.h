/// Conditional requests (RFC 9110 section 13): a representation is known by the hash of its bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/http/message.h"

namespace hubseal::agent::http {

/// "\"0123...\"", with its quotes.
std::string etag_of(std::string_view body);

/// Whether one of the ETags in the value of an If-Match is `etag`, or it is "*". Weak ones are none.
bool if_match_names(std::string_view header, std::string_view etag);

/// A 200 with its ETag; 304 where the value of an If-None-Match names it.
Answer with_etag(Answer answer, const std::optional<std::string>& if_none_match);

}  // namespace hubseal::agent::http
