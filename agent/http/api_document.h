/// The OpenAPI document of this server. What operations are for and what they answer is written in
/// agent/openapi/*.json; what they take and who may call them is what the routes enforce, so that it stands in one
/// place.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "agent/http/router.h"
#include "common/json.h"

namespace hubseal::agent::http {

/// A file of agent/openapi/ that is in the program.
struct EmbeddedFile {
  std::string_view name;  ///< "common.json", "page.css"
  std::string_view text;
};

/// All of them, in the order of agent/CMakeLists.txt.
std::span<const EmbeddedFile> embedded_openapi();
std::string_view embedded_openapi(std::string_view name);

struct ApiDocument {
  Json document;
  /// What is written for one and not the other, a sentence each that says what to do. A test wants none.
  std::vector<std::string> gaps;
};

/// Every route stands in the document, also one for which nothing is written.
ApiDocument describe(const std::vector<Route>& routes);

/// The path as it stands in the document: without /api, which is the address of the server there.
std::string document_path(const Route& route);

/// What `schema` checks, as JSON Schema (draft 2020-12).
Json json_schema(const Schema& schema, bool closed);

}  // namespace hubseal::agent::http
