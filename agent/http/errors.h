/// From errors to answers: the only place where a code becomes a status.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "agent/http/message.h"
#include "common/result.h"

namespace hubseal::agent::http {

/// One item of `errors` in the shape of framework errors.
struct Violation {
  std::string path;  ///< ".body.name", or the request's path
  std::string message;
  std::string error_code;  ///< "required.openapi.validation"; empty leaves it out
};

/// Shape A, what the layer in front of the handlers refuses:
/// { "message", "errors": [ { "path", "message", "errorCode" } ], "correlationId" }, compact.
Answer framework_error(int status, std::string_view message, const std::vector<Violation>& violations,
                       std::string_view correlation_id);

/// Why a handler refuses. Errors of the services convert by themselves.
struct Problem {
  Problem(Error e) : error(std::move(e)) {}  // NOLINT(google-explicit-constructor): so that TRY works
  /// Refused because of `why`, which stands in `validationErrors`.
  Problem(Error e, std::string why) : error(std::move(e)), cause(std::move(why)) {}

  Error error;
  std::string cause;
  bool outdated = false;  ///< 412: what the request's If-Match names is not what is there
};

/// What a handler returns.
using Outcome = tl::expected<Answer, Problem>;

/// Shape B: { "payload": { "id", "code", "message" }, "message", "correlationId" }. Errors that are
/// this host's own (internal, unavailable) say so in our words and go to the log in theirs.
Answer service_error(const Problem& problem, std::string_view correlation_id);

/// For exceptions that reached the adapter.
Answer incident(std::string_view what, std::string_view correlation_id);

}  // namespace hubseal::agent::http
