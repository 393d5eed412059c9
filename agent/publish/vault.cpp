#include "agent/publish/vault.h"

#include <algorithm>

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "agent/auth/http_client.h"
#include "agent/publish/publisher.h"
#include "common/fields.h"
#include "common/files.h"
#include "common/log.h"

namespace hubseal::agent::publish {
namespace {

constexpr std::size_t kMaxTokenBytes = 2048;
constexpr std::size_t kMaxAnswerBytes = 64 * 1024;

/// Names with slashes between them: no empty one, none that begins with a dot.
bool is_path(std::string_view text) {
  while (true) {
    const std::size_t slash = text.find('/');
    if (!is_name(text.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    text.remove_prefix(slash + 1);
  }
}

Result<SecretBytes> read_token(const std::filesystem::path& path) {
  SecretBytes token = TRY(read_secret_line(path, kMaxTokenBytes));
  const auto bytes = token.bytes();
  // It becomes a line of a header.
  if (std::any_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c <= ' ' || c >= 0x7f; }))
    return fail(Code::bad_request, path.string() + " holds spaces or other characters that no token has");
  return token;
}

class Vault final : public Publisher {
 public:
  Vault(VaultTarget target, auth::HttpClient client) : target_(std::move(target)), client_(std::move(client)) {}

  bool wants_whitelists() const override { return true; }

  Result<> publish(const Bundle& bundle, const Whitelists& all) override {
    if (!is_name(bundle.dfsp_id)) return fail(Code::internal, "a DFSP's id that is no name was to become a path");
    Json addresses = Json::object();
    for (const auto& [dfsp_id, list] : all) addresses[dfsp_id] = fmt::format("{}", fmt::join(list, ","));
    TRY(put(target_.whitelist, addresses));
    return put(target_.bundles + "/" + bundle.dfsp_id, to_json(bundle));
  }

  void stop() override { client_.stop(); }

 private:
  Result<> put(const std::string& path, const Json& value) const {
    const auto stored = try_put(path, value);
    if (!stored) return fail(Code::storage_unavailable, "Vault: " + stored.error().message);
    return {};
  }

  Result<> try_put(const std::string& path, const Json& value) const {
    const SecretBytes token = TRY(read_token(target_.token_file));
    return client_.put_json(fmt::format("{}/v1/{}/{}", target_.url, target_.mount, path), dump_json(value),
                            {"X-Vault-Token", token}, kMaxAnswerBytes);
  }

  const VaultTarget target_;
  const auth::HttpClient client_;
};

}  // namespace

Result<> check_vault_target(const VaultTarget& target) {
  const auto uri = TRY(auth::parse_provider_url(target.url));
  if (!uri.getPathEtc().empty())
    return fail(Code::bad_request, fmt::format("the URL \"{}\" has a path; wanted https://HOST:PORT alone",
                                               log::printable(target.url, 200)));
  for (const std::string& path : {target.mount, target.bundles, target.whitelist})
    if (!is_path(path))
      return fail(
          Code::bad_request,
          fmt::format("the path \"{}\" is none; wanted names with slashes between them, such as secret/onboarding",
                      log::printable(path, 200)));
  if (target.whitelist == target.bundles || target.whitelist.starts_with(target.bundles + "/"))
    return fail(Code::bad_request, fmt::format("the list of addresses at \"{}\" would stand among the bundles at "
                                               "\"{}\"; wanted another place",
                                               target.whitelist, target.bundles));
  return {};
}

Result<std::unique_ptr<Publisher>> open_vault(const VaultTarget& target) {
  const auto open = [&]() -> Result<std::unique_ptr<Publisher>> {
    TRY(check_vault_target(target));
    TRY(read_token(target.token_file));
    auto client = TRY(auth::HttpClient::make(target.ca_file, target.timeout));
    return std::make_unique<Vault>(target, std::move(client));
  };
  auto vault = open();
  if (!vault) return fail(vault.error().code, "[publish.vault]: " + vault.error().message);
  return vault;
}

}  // namespace hubseal::agent::publish
