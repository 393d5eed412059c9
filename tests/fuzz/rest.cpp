// Any bytes as an HTTP request to the agent: header block, then the body, in chunks or not, through the
// pipeline with one route that takes JSON. The answer is JSON, a handler sees only what its route declares, and what it
// writes as text is what the library writes.
#include "agent/http/chunks.h"
#include "agent/http/handlers/json_text.h"
#include "agent/http/header_block.h"
#include "agent/http/pipeline.h"
#include "common/private_key.h"
#include "tests/fuzz/fuzz.h"

using namespace hubseal;
using namespace hubseal::agent::http;

namespace {

/// Written as text, it is what the library writes.
void check_text(const Json& body) {
  std::string text;
  append_laid_out(text, dump_json(body), 0);
  MUST_HOLD(text == ok(body).body);
  const Answer named = ok_object(body["name"].get<std::string>(),
                                 [](ObjectText& item, const std::string& name) { item.text("name", name); });
  MUST_HOLD(named.body == ok(Json{{"name", body["name"]}}).body);
}

Outcome echo(const Request& request) {
  MUST_HOLD(request.body.is_object() && request.body["name"].is_string());
  MUST_HOLD(!private_key_in(request.body));
  MUST_HOLD(!request.param("dfspId").empty());
  check_text(request.body);
  return ok(Json{{"name", request.body["name"]}, {"id", request.param("dfspId")}});
}

Pipeline make_pipeline() {
  Route route{.method = "POST", .path = "/api/dfsps/{dfspId}/ca", .handler = &echo, .takes_body = true};
  route.body = {{.name = "name", .required = true, .max_bytes = 64, .min_bytes = 1},
                {.name = "tags", .type = Type::text_list}};
  return Pipeline({route}, BrowserGuard({}));
}

/// No line end but CR LF, no empty line before the last.
bool one_reading(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    if (head[i] == '\0') return false;
    if (head[i] == '\r' && head.substr(i, 2) != "\r\n") return false;
    if (head[i] == '\n' && (i == 0 || head[i - 1] != '\r')) return false;
  }
  return head.find("\r\n\r\n") == head.size() - 4;
}

/// False when they do not end, or break off.
bool read_chunks(std::string_view text, std::string& body) {
  Chunks chunks(body, kMaxBodyBytes);
  Chunks::State state = Chunks::State::more;
  for (std::size_t i = 0; i < text.size() && state == Chunks::State::more; ++i) state = chunks.take(text[i]);
  MUST_HOLD(body.size() <= kMaxBodyBytes);
  return state == Chunks::State::complete;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Pipeline pipeline = make_pipeline();
  const std::string text(text_of(data, size));
  const std::size_t end = text.find("\r\n\r\n");
  if (end == std::string::npos) return 0;
  auto block = parse_header_block(text.substr(0, end + 4));
  if (!block) return 0;
  MUST_HOLD(one_reading(std::string_view(text).substr(0, end + 4)));
  MUST_HOLD(!(block->chunked && block->content_length > 0));
  const std::string rest = text.substr(end + 4);
  if (!block->chunked)
    block->request.body = rest;
  else if (!read_chunks(rest, block->request.body))
    return 0;
  const Answer answer = pipeline.answer(block->request, "c-1");
  MUST_HOLD(answer.status >= 200 && answer.status < 600 && answer.status != 500);
  MUST_HOLD(answer.body.empty() || Json::accept(answer.body));
  return 0;
}
