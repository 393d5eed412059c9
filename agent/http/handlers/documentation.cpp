#include "agent/http/api_document.h"
#include "agent/http/handlers/handlers.h"

namespace hubseal::agent::http {
namespace {

/// The page's own files and the document, and nothing of anybody else's.
constexpr char kPagePolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

/// Ready to be sent. It does not change while the agent runs: caches ask whether they still have it.
Answer file(std::string content_type, std::string text) {
  Answer answer;
  answer.content_type = std::move(content_type);
  answer.cache_seconds = 0;
  answer.body = std::move(text);
  return answer;
}

void add_file(std::vector<Route>& routes, const char* path, Answer answer) {
  routes.push_back({.method = "GET",
                    .path = path,
                    .handler = [answer = std::move(answer)](const Request&) { return answer; },
                    .roles = {Role::anybody}});
}

}  // namespace

void add_documentation(std::vector<Route>& routes) {
  Answer page = file("text/html; charset=utf-8", std::string(embedded_openapi("page.html")));
  page.content_policy = kPagePolicy;
  add_file(routes, "/docs", std::move(page));
  add_file(routes, "/docs/page.css", file("text/css; charset=utf-8", std::string(embedded_openapi("page.css"))));
  add_file(routes, "/docs/page.js", file("text/javascript; charset=utf-8", std::string(embedded_openapi("page.js"))));
  add_file(routes, "/api-docs", {});  // so that it stands in the document, too
  const Answer document = file("application/json", ok(describe(routes).document).body);
  routes.back().handler = [document](const Request&) { return document; };
}

}  // namespace hubseal::agent::http
