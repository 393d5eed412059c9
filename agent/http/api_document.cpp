#include "agent/http/api_document.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/service/page.h"

namespace hubseal::agent::http {
namespace {

constexpr std::string_view kServer = "/api";
constexpr char kProblem[] = "#/components/responses/Refused";

Json reference(std::string_view section, std::string_view name) {
  return {{"$ref", fmt::format("#/components/{}/{}", section, name)}};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

std::vector<std::string> parameters_of(std::string_view path) {
  std::vector<std::string> names;
  for (std::size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1))
    names.emplace_back(path.substr(at + 1, path.find('}', at) - at - 1));
  return names;
}

/// "getDfspsByDfspIdCa"
std::string operation_id(const std::string& method, const std::string& path) {
  std::string id = method;
  bool word_begins = true;
  for (const char c : path) {
    if (c == '{') id += "By";
    word_begins = word_begins || !std::isalnum(static_cast<unsigned char>(c));
    if (!std::isalnum(static_cast<unsigned char>(c))) continue;
    id += word_begins ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    word_begins = false;
  }
  return id;
}

/// The files of agent/openapi/ as one document, whose operations have what is written there and no more.
class Written {
 public:
  Written() : document_(Json::parse(embedded_openapi("common.json"))) {
    words_ = std::move(document_["x-members"]);
    document_.erase("x-members");
    document_["tags"] = Json::array();
    for (const EmbeddedFile& file : embedded_openapi())
      if (file.name.ends_with(".json") && file.name != "common.json") add(file);
  }

  /// What is written for the operation; an empty one where nothing is.
  Json take(const std::string& method, const std::string& path) {
    Json operation = Json::object();
    if (const auto item = paths_.find(path); item != paths_.end() && item->contains(method)) {
      operation = std::move((*item)[method]);
      item->erase(method);
    } else {
      gap(R"(nothing is written for {} {}; below "paths" of a file of agent/openapi/ add "{}": {{"{}": {{"summary": )"
          R"("...", "responses": {{"200": ...}}}}}})",
          method, path, path, method);
    }
    return operation;
  }

  /// Of what GET answers. Where other methods answer the same, it stands there too.
  void add_etag(Json& response) {
    Json* whole = &response;
    if (response.contains("$ref")) {
      const auto name = response["$ref"].get<std::string>();
      Json& all = document_["components"]["responses"];
      const auto found = all.find(name.substr(name.rfind('/') + 1));
      if (found == all.end()) return;
      whole = &*found;
    }
    (*whole)["headers"]["ETag"] = reference("headers", "ETag");
  }

  /// The numbers that the parameter `name` may be.
  void limit(const char* name, int least, int most) {
    document_["components"]["parameters"][name]["schema"] = {
        {"type", "integer"}, {"minimum", least}, {"maximum", most}};
  }

  bool has(std::string_view section, const std::string& name) const {
    return document_["components"][std::string(section)].contains(name);
  }

  /// What members of that name are, where the schema itself does not say.
  void explain_members(Json& part) {
    if (part.is_object() && part.contains("properties") && part["properties"].is_object())
      for (auto& [name, member] : part["properties"].items())
        if (!member.contains("description") && words_.contains(name)) member["description"] = words_[name];
    if (part.is_structured())
      for (Json& child : part) explain_members(child);
  }

  void want_words(const Schema& schema) {
    for (const Member& member : schema) {
      if (!words_.contains(std::string(member.name)))
        gap(R"(nothing is written for the member {} of a body; add it to "x-members" of agent/openapi/common.json)",
            member.name);
      want_words(member.members);
    }
  }

  template <class... T>
  void gap(fmt::format_string<T...> format, T&&... values) {
    std::string text = fmt::format(format, std::forward<T>(values)...);
    if (std::find(gaps_.begin(), gaps_.end(), text) == gaps_.end()) gaps_.push_back(std::move(text));
  }

  /// The whole, with these operations.
  ApiDocument finish(Json paths) && {
    for (const auto& [path, item] : paths_.items())
      for (const auto& [method, operation] : item.items())
        gap("there is no route {} {}; take it out of agent/openapi/", method, path);
    document_["paths"] = std::move(paths);
    explain_members(document_);
    return {std::move(document_), std::move(gaps_)};
  }

 private:
  void add(const EmbeddedFile& file) {
    Json topic = Json::parse(file.text);
    const Json& tag = document_["tags"].emplace_back(topic["tags"][0]);
    for (auto& [path, item] : topic["paths"].items())
      for (auto& [method, operation] : item.items()) {
        if (paths_[path].contains(method)) gap("{} {} is written twice in agent/openapi/", method, path);
        operation["tags"] = {tag["name"]};
        paths_[path][method] = std::move(operation);
      }
    if (!topic.contains("components")) return;
    for (auto& [section, items] : topic["components"].items())
      for (auto& [name, item] : items.items()) {
        if (has(section, name)) gap("{} of components/{} is written twice in agent/openapi/", name, section);
        document_["components"][section][name] = std::move(item);
      }
  }

  Json document_;
  Json paths_ = Json::object();
  Json words_;
  std::vector<std::string> gaps_;
};

/// Whether If-None-Match may spare the answer.
bool has_etag(const Json& operation, const Route& route) {
  return route.method == "GET" && route.has_etag && operation.contains("responses") &&
         operation["responses"].contains("200");
}

void add_parameters(Json& operation, const Route& route, Written& written) {
  Json all = Json::array();
  Json own = operation.value("parameters", Json::array());
  for (const std::string& name : parameters_of(document_path(route))) {
    if (!written.has("parameters", name))
      written.gap("nothing is written for {{{}}} of {}; add it to components/parameters in agent/openapi/", name,
                  route.path);
    all.push_back(reference("parameters", name));
  }
  for (const std::string& name : route.query) {
    const auto is_it = [&name](const Json& one) {
      return one.value("name", "") == name && one.value("in", "") == "query";
    };
    if (std::any_of(own.begin(), own.end(), is_it)) continue;
    if (!written.has("parameters", name))
      written.gap("nothing is written for ?{}= of {}; add it to its \"parameters\" in agent/openapi/", name,
                  route.path);
    all.push_back(reference("parameters", name));
  }
  for (Json& one : own) all.push_back(std::move(one));
  if (route.paged)
    for (const char* name : {"limit", "offset"}) all.push_back(reference("parameters", name));
  if (has_etag(operation, route)) all.push_back(reference("parameters", "If-None-Match"));
  if (route.heeds_if_match) all.push_back(reference("parameters", "If-Match"));
  if (!all.empty()) operation["parameters"] = std::move(all);
}

void add_body(Json& operation, const Route& route, Written& written) {
  Json schema;
  if (route.takes_body) {
    schema = json_schema(route.body, route.closed_body);
    if (route.body_is_list) schema = {{"type", "array"}, {"items", std::move(schema)}};
    written.want_words(route.body);
  } else if (!route.media_type.empty()) {
    schema = {{"type", "string"}, {"format", "binary"}};
  } else {
    return;
  }
  const std::string media = route.takes_body ? "application/json" : route.media_type;
  operation["requestBody"] = {{"required", !route.body_may_be_missing},
                              {"content", {{media, {{"schema", std::move(schema)}}}}}};
}

bool is_open(const Route& route) {
  return std::find(route.roles.begin(), route.roles.end(), Role::anybody) != route.roles.end();
}

/// What the layers in front of the operation answer in its place; what the file says of a status goes first.
void add_responses(Json& operation, const Route& route, Written& written) {
  const bool etag = has_etag(operation, route);
  Json responses = operation.value("responses", Json::object());
  const Json problem = responses.value("default", Json({{"$ref", kProblem}}));
  responses.erase("default");
  if (etag) {
    written.add_etag(responses["200"]);
    responses["304"] = reference("responses", "NotModified");
  }
  std::vector<const char*> statuses = {"400"};
  if (!is_open(route)) statuses.insert(statuses.end(), {"401", "403"});
  if (!parameters_of(route.path).empty()) statuses.emplace_back("404");
  if (route.heeds_if_match) statuses.emplace_back("412");
  if (route.takes_body || !route.media_type.empty()) statuses.insert(statuses.end(), {"413", "415"});
  statuses.emplace_back("default");
  for (const char* status : statuses)
    if (!responses.contains(status)) responses[status] = problem;
  operation["responses"] = std::move(responses);
}

void add_roles(Json& operation, const Route& route) {
  for (const Role role : route.roles) operation["x-roles"].push_back(auth::to_string(role));
  operation["security"] = Json::array();
  if (!is_open(route)) operation["security"] = Json::array({{{"token", Json::array()}}, {{"session", Json::array()}}});
}

Json completed(Json operation, const Route& route, const std::string& method, Written& written) {
  operation["operationId"] = operation_id(method, document_path(route));
  add_roles(operation, route);
  add_parameters(operation, route, written);
  add_body(operation, route, written);
  add_responses(operation, route, written);
  return operation;
}

/// A path that is not below the server's address, or not only there, says so itself.
void add_server(Json& item, const Route& route) {
  const bool below = route.path.starts_with(std::string(kServer) + "/");
  Json servers = item.value("servers", item.empty() ? Json::array() : Json::array({{{"url", kServer}}}));
  const Json server = {{"url", below ? kServer : "/"}};
  if (std::find(servers.begin(), servers.end(), server) == servers.end()) servers.push_back(server);
  item.erase("servers");
  if (servers != Json::array({{{"url", kServer}}})) item["servers"] = std::move(servers);
}

}  // namespace

std::string_view embedded_openapi(std::string_view name) {
  for (const EmbeddedFile& file : embedded_openapi())
    if (file.name == name) return file.text;
  throw std::logic_error("agent/openapi/ has no " + std::string(name));
}

std::string document_path(const Route& route) {
  std::string path = route.path;
  if (path.starts_with(std::string(kServer) + "/")) path.erase(0, kServer.size());
  path.erase(std::remove(path.begin(), path.end(), '*'), path.end());
  return path;
}

ApiDocument describe(const std::vector<Route>& routes) {
  Written written;
  written.limit("limit", 1, store::kMaxPageRows);
  written.limit("offset", 0, store::kMaxPageOffset);
  Json paths = Json::object();
  for (const Route& route : routes) {
    Json& item = paths[document_path(route)];
    if (item.is_null()) item = Json::object();
    add_server(item, route);
    const std::string method = lower(route.method);
    if (item.contains(method)) continue;  // the same at both addresses
    item[method] = completed(written.take(method, document_path(route)), route, method, written);
  }
  return std::move(written).finish(std::move(paths));
}

}  // namespace hubseal::agent::http
