#include "agent/config_publish.h"

#include <fmt/format.h>

#include "agent/config_auth.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxPathBytes = 4096;
constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxVaultPathBytes = 256;

Result<publish::VaultTarget> read_vault(Fields fields) {
  publish::VaultTarget vault;
  vault.url = TRY(fields.text("url", kMaxUrlBytes));
  if (vault.url.ends_with('/')) vault.url.pop_back();
  vault.ca_file = TRY(fields.optional_text("ca_file", kMaxPathBytes)).value_or("");
  vault.token_file = TRY(secret_path("publish.vault.token_file", TRY(fields.text("token_file", kMaxPathBytes))));
  vault.mount = TRY(fields.optional_text("mount", kMaxVaultPathBytes)).value_or(vault.mount);
  vault.bundles = TRY(fields.optional_text("bundles", kMaxVaultPathBytes)).value_or(vault.bundles);
  vault.whitelist = TRY(fields.optional_text("whitelist", kMaxVaultPathBytes)).value_or(vault.whitelist);
  vault.timeout = std::chrono::seconds(TRY(fields.integer_or("timeout_seconds", 1, 60, vault.timeout.count())));
  TRY(fields.nothing_left());
  if (const auto good = publish::check_vault_target(vault); !good)
    return fail(Code::bad_request, "\"publish.vault\": " + good.error().message);
  return vault;
}

}  // namespace

Result<publish::Target> read_publish(Fields fields) {
  if (fields.has("directory") == fields.has("vault"))
    return fail(Code::bad_request,
                "[publish] has both \"directory\" and [publish.vault], or neither; wanted one of them");
  publish::Target target;
  if (fields.has("directory")) {
    target = std::filesystem::path(TRY(fields.text("directory", kMaxPathBytes)));
    if (!std::get<std::filesystem::path>(target).is_absolute())
      return fail(Code::bad_request, "\"publish.directory\" is no absolute path");
  } else {
    target = TRY(read_vault(TRY(fields.object("vault"))));
  }
  TRY(fields.nothing_left());
  return target;
}

}  // namespace hubseal::agent
