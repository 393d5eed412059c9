#include "agent/mcm/vault_export.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace hubseal::agent::mcm {
namespace {

/// A kind of record, and how many parts of its path follow.
constexpr std::array<std::pair<std::string_view, std::size_t>, 10> kKinds = {{{"dfsp-outbound-enrollment", 2},
                                                                              {"dfsp-inbound-enrollment", 2},
                                                                              {"dfsp-ca", 1},
                                                                              {"dfsp-server-cert", 1},
                                                                              {"dfsp-jws-certs", 1},
                                                                              {"dfsp-external-jws-certs", 1},
                                                                              {"api-credentials", 1},
                                                                              {"hub-server-cert", 0},
                                                                              {"hub-ca-details", 0},
                                                                              {"hub-endpoints", 0}}};
constexpr std::size_t kMaxDepth = 16;

using Parts = std::vector<std::string>;

void split_into(Parts& parts, std::string_view name) {
  while (!name.empty()) {
    const std::size_t slash = std::min(name.find('/'), name.size());
    if (slash > 0) parts.emplace_back(name.substr(0, slash));
    name.remove_prefix(std::min(slash + 1, name.size()));
  }
}

std::string joined(const Parts& parts) { return fmt::format("{}", fmt::join(parts, "/")); }

/// What `vault kv get` puts around the secret: version 1 once, version 2 twice.
const Json& unwrapped(const Json& value) {
  const auto inner = [](const Json& outer, const char* beside) -> const Json& {
    return outer.contains(beside) && outer.contains("data") && outer["data"].is_object() ? outer["data"] : outer;
  };
  return inner(inner(value, "lease_id"), "metadata");
}

/// Whatever the text looks like, by the name of its member.
std::string secret_named(std::string_view member) {
  if (member == "client_secret") return "CLIENT SECRET";
  return member == "key" || member == "client_key" || member == "privateKey" ? "PRIVATE KEY" : "";
}

class Walk {
 public:
  explicit Walk(VaultExport& found) : found_(found) {}

  void visit(const Json& value, const Parts& parts) {
    const auto kind = std::find_if(parts.begin(), parts.end(), [](const std::string& part) {
      return std::any_of(kKinds.begin(), kKinds.end(), [&](const auto& known) { return known.first == part; });
    });
    if (kind != parts.end() && static_cast<std::size_t>(parts.end() - kind) > depth_of(*kind)) {
      Parts names(kind + 1, parts.end());
      const bool known = names.size() == depth_of(*kind);
      found_.records.push_back({joined({kind, parts.end()}), known ? *kind : "", std::move(names), unwrapped(value)});
      return look_for_keys(value, joined({kind, parts.end()}));
    }
    const auto is_object = [](const Json& item) { return item.is_object(); };
    const bool is_folder =
        value.is_object() && (parts.empty() || (!value.empty() && std::all_of(value.begin(), value.end(), is_object)));
    if (!is_folder) {
      found_.records.push_back({joined(parts), "", {}, value});
      return look_for_keys(value, joined(parts));
    }
    for (const auto& [name, item] : value.items()) {
      Parts inner = parts;
      split_into(inner, name);
      visit(item, inner);
    }
  }

 private:
  static std::size_t depth_of(const std::string& kind) {
    return std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& known) { return known.first == kind; })->second;
  }

  void look_for_keys(const Json& value, const std::string& path) {
    if (value.is_string()) {
      auto kind = private_key_in(value.get_ref<const std::string&>());
      if (kind.empty()) kind = secret_named(std::string_view(path).substr(path.rfind('/') + 1));
      if (!kind.empty()) found_.private_keys.push_back({path, std::move(kind)});
      return;
    }
    if (!value.is_structured()) return;
    for (const auto& [name, item] : value.items()) look_for_keys(item, path + "/" + name);
  }

  VaultExport& found_;
};

}  // namespace

Result<VaultExport> VaultExport::parse(std::string_view text) {
  if (text.size() > kMaxVaultBytes)
    return fail(Code::too_large,
                fmt::format("the export has {} bytes; wanted at most {}", text.size(), kMaxVaultBytes));
  const auto json = parse_json(
      text, {.max_depth = kMaxDepth, .max_members = 100'000, .max_values = 10'000'000, .allow_fractions = true});
  if (!json) return fail(json.error().code, "the export: " + json.error().message);
  if (!json->is_object()) return fail(Code::bad_request, "the export is no JSON object; wanted one that has the paths");
  VaultExport found;
  if (!json->empty()) Walk(found).visit(*json, {});
  return found;
}

std::string private_key_in(std::string_view text) {
  for (const std::string_view label : {"RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY",
                                       "OPENSSH PRIVATE KEY", "PRIVATE KEY"})
    if (text.find(fmt::format("BEGIN {}", label)) != std::string_view::npos) return std::string(label);
  return text.find("PRIVATE KEY-----") == std::string_view::npos ? "" : "PRIVATE KEY";
}

}  // namespace hubseal::agent::mcm
