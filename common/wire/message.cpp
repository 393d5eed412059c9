#include "common/wire/message.h"

#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/fields.h"
#include "common/private_key.h"

namespace hubseal::wire {
namespace {

constexpr JsonLimits kLimits = {
    .max_depth = kMaxDepth, .max_members = kMaxMembers, .max_values = kMaxValues, .allow_fractions = false};
// Replies carry lists of certificates and keys; the daemon is trusted to keep them in one line.
constexpr JsonLimits kReplyLimits = {
    .max_depth = kMaxDepth + 2, .max_members = 4096, .max_values = 65536, .allow_fractions = false};

constexpr std::array kCodes = {
    Code::bad_request,  Code::too_large,       Code::forbidden,           Code::not_found,
    Code::conflict,     Code::policy_denied,   Code::approval_required,   Code::hsm_busy,
    Code::rate_limited, Code::hsm_unavailable, Code::storage_unavailable, Code::sealed,
    Code::internal,
};

Code code_from(std::string_view word) {
  for (const Code code : kCodes)
    if (to_string(code) == word) return code;
  return Code::internal;  // a newer daemon's code: a failure all the same
}

struct Reply {
  Json message;
  std::optional<Error> error;  ///< what hubseald answered, where it refused
};

Result<Reply> parse_reply(std::string_view line, std::string_view id) {
  Reply reply{TRY(parse_json(line, kReplyLimits)), std::nullopt};
  Fields fields = TRY(Fields::of(reply.message));
  TRY(fields.integer("v", kProtocolVersion, kProtocolVersion));
  if (const auto error = TRY(fields.optional_object("error"))) {
    Fields details = *error;
    const std::string word = TRY(details.text("code", 64));
    reply.error = Error{.code = code_from(word),
                        .message = TRY(details.text("message", 64 * 1024)),
                        .approval = TRY(details.optional_name("approval", 64)).value_or("")};
    return reply;
  }
  if (TRY(fields.text("id", kMaxIdBytes)) != id) return fail(Code::internal, "it is to another request");
  TRY(fields.object("ok"));
  return reply;
}

}  // namespace

Result<Request> decode_request(std::string_view line) {
  if (line.size() > kMaxLineBytes)
    return fail(Code::too_large, fmt::format("line of {} bytes; a line may have {} bytes", line.size(), kMaxLineBytes));
  auto parsed = parse_json(line, kLimits);
  // Before anything repeats what was sent, in an answer or in a log; also what is wrong with it.
  if (const auto place = parsed ? private_key_in(*parsed) : private_key_in(Json(line)))
    return fail(Code::bad_request, fmt::format("there is a private key in the message{}{}; a private key must never be "
                                               "sent: make a new one, and send its public half or its CSR",
                                               place->empty() ? "" : ", at ", *place));
  Json message = TRY(std::move(parsed));
  Fields fields = TRY(Fields::of(message));
  TRY(fields.integer("v", kProtocolVersion, kProtocolVersion));
  Request request;
  request.id = TRY(fields.text("id", kMaxIdBytes));
  request.op = TRY(fields.name("op", kMaxOpBytes));
  request.anew = TRY(fields.boolean_or("anew", false));
  message.erase("v");
  message.erase("id");
  message.erase("op");
  message.erase("anew");
  request.fields = std::move(message);
  return request;
}

std::string encode_request(const Request& request) {
  Json message = {{"v", kProtocolVersion}, {"id", request.id}, {"op", request.op}};
  message.update(request.fields);
  return dump_json(message);
}

std::string encode_ok(std::string_view id, const Json& ok) {
  // Assembled from two texts: the reply object, which may be large, is not copied.
  std::string line = R"({"v":1,"id":)" + dump_json(Json(id)) + R"(,"ok":)";
  line += dump_json(ok);
  line += '}';
  return line;
}

std::string encode_error(std::string_view id, const Error& error) {
  Json details = {{"code", to_string(error.code)}, {"message", error.message}};
  if (!error.approval.empty()) details["approval"] = error.approval;
  return dump_json(Json{{"v", kProtocolVersion}, {"id", id}, {"error", std::move(details)}});
}

// What is wrong with an answer is not the mistake of who asked, whatever a request with the same flaw would be told.
Result<Json> decode_reply(std::string_view line, std::string_view id) {
  auto reply = parse_reply(line, id);
  if (!reply)
    return fail(Code::internal, fmt::format("hubseald's answer is not understood: {}", reply.error().message));
  if (reply->error) return tl::unexpected(*std::move(reply->error));
  return std::move(reply->message["ok"]);
}

}  // namespace hubseal::wire
