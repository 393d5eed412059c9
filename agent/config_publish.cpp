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

Result<std::filesystem::path> folder_path(Fields& fields, const char* member) {
  std::filesystem::path path = TRY(fields.text(member, kMaxPathBytes));
  if (!path.is_absolute()) return fail(Code::bad_request, fmt::format("\"publish.{}\" is no absolute path", member));
  return path;
}

}  // namespace

Result<PublishConfig> read_publish(Fields fields) {
  PublishConfig publish;
  if (fields.has("directory") && fields.has("vault"))
    return fail(Code::bad_request, "[publish] has both \"directory\" and [publish.vault]; wanted one of them");
  if (fields.has("directory")) publish.bundles = TRY(folder_path(fields, "directory"));
  if (fields.has("vault")) publish.bundles = TRY(read_vault(TRY(fields.object("vault"))));
  if (fields.has("verification_keys")) publish.verification_keys = TRY(folder_path(fields, "verification_keys"));
  TRY(fields.nothing_left());
  if (!publish.bundles && !publish.verification_keys)
    return fail(
        Code::bad_request,
        "[publish] says nothing; wanted \"directory\" or [publish.vault], \"verification_keys\", or both kinds");
  const auto* const folder = publish.bundles ? std::get_if<std::filesystem::path>(&*publish.bundles) : nullptr;
  if (folder && publish.verification_keys == *folder)
    return fail(Code::bad_request,
                "\"publish.directory\" and \"publish.verification_keys\" are one folder; wanted two");
  return publish;
}

}  // namespace hubseal::agent
