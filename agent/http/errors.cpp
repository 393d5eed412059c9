#include "agent/http/errors.h"

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent::http {
namespace {

constexpr int kRetryAfterSeconds = 5;

/// How a code shows itself: status, the class name that clients know, and a text in place of the
/// error's own where that one is not for clients.
struct Face {
  int status;
  std::string_view id;
  std::string_view text = {};
  bool retry = false;
};

Face face_of(Code code) {
  switch (code) {
    case Code::bad_request: return {400, "ValidationError"};
    case Code::too_large: return {413, "ValidationError"};
    case Code::forbidden: return {403, "ForbiddenError"};
    case Code::not_found: return {404, "NotFoundError"};
    case Code::conflict: return {409, "ConflictError"};
    case Code::policy_denied: return {400, "ValidationError"};
    case Code::approval_required: return {409, "ApprovalRequiredError"};
    case Code::rate_limited:
      return {429, "TooManyRequestsError", "too many requests at the moment; try again later", true};
    case Code::hsm_busy: return {503, "ServiceUnavailableError", "the HSM is busy; try again later", true};
    case Code::hsm_unavailable:
      return {503, "ServiceUnavailableError", "signing is not available at the moment; try again later", true};
    case Code::storage_unavailable:
      return {503, "ServiceUnavailableError", "records cannot be written or read at the moment; try again later", true};
    case Code::sealed:
      return {503, "ServiceUnavailableError", "signing has been stopped by the hub's security team", true};
    case Code::internal: return {500, "InternalError", "internal error"};
  }
  return {500, "InternalError", "internal error"};
}

}  // namespace

Answer framework_error(int status, std::string_view message, const std::vector<Violation>& violations,
                       std::string_view correlation_id) {
  Json body = {{"message", message}};
  for (const Violation& violation : violations) {
    Json item = {{"path", violation.path}, {"message", violation.message}};
    if (!violation.error_code.empty()) item["errorCode"] = violation.error_code;
    body["errors"].push_back(std::move(item));
  }
  body["correlationId"] = correlation_id;
  Answer answer;
  answer.status = status;
  answer.content_type = "application/json; charset=utf-8";
  answer.body = dump_json(body);
  return answer;
}

Answer service_error(const Problem& problem, std::string_view correlation_id) {
  const Error& error = problem.error;
  const Face face = problem.outdated ? Face{412, "PreconditionFailedError"} : face_of(error.code);
  std::string text(face.text.empty() ? error.message : std::string(face.text));
  if (error.code == Code::internal) text += fmt::format("; incident {}", correlation_id);
  if (!face.text.empty())
    log::error("request failed", {{"correlation", std::string(correlation_id)},
                                  {"code", std::string(to_string(error.code))},
                                  {"problem", error.message}});
  Json payload = {
      {"id", face.id}, {"code", problem.outdated ? "precondition_failed" : to_string(error.code)}, {"message", text}};
  if (!problem.cause.empty())
    payload["validationErrors"] = {{"category", "Unprocessable"},
                                   {"name", "InvalidEntityError"},
                                   {"payload", {{"id", "InvalidEntityError"}, {"message", problem.cause}}},
                                   {"headers", Json::object()}};
  Answer answer =
      ok({{"payload", std::move(payload)}, {"message", text}, {"correlationId", correlation_id}}, face.status);
  if (face.retry) answer.retry_after_seconds = kRetryAfterSeconds;
  return answer;
}

Answer incident(std::string_view what, std::string_view correlation_id) {
  return service_error(Problem({Code::internal, std::string(what)}), correlation_id);
}

}  // namespace hubseal::agent::http
