#include "agent/authentication.h"

#include "common/files.h"

namespace hubseal::agent {
namespace {

constexpr std::size_t kMaxSecretBytes = 1024;

}  // namespace

Result<std::optional<Authentication::Ready>> Authentication::prepare(const Config& config) {
  if (!config.oidc) return std::nullopt;
  SecretBytes secret;
  if (const auto& browser = config.oidc->browser; browser && !browser->client_secret_file.empty())
    secret = TRY(read_secret_line(browser->client_secret_file, kMaxSecretBytes));
  auto provider = TRY(auth::Provider::make(config.oidc->provider));
  return Ready{std::move(provider), std::move(secret)};
}

std::unique_ptr<Authentication> Authentication::make(const Config& config, std::optional<Ready> ready,
                                                     store::Database& database, const Clock& clock) {
  if (!ready) return nullptr;
  return std::unique_ptr<Authentication>(new Authentication(*config.oidc, *std::move(ready), database, clock));
}

Authentication::Authentication(const OidcConfig& config, Ready ready, store::Database& database, const Clock& clock)
    : provider_(std::move(ready.provider)),
      keys_([this] { return provider_.key_set(); }, config.keys),
      verifier_(config.tokens, keys_, clock) {
  if (config.browser)
    browser_ = std::make_unique<Browser>(*config.browser, std::move(ready.client_secret), *this, config.tokens, keys_,
                                         database, clock);
}

http::Gate Authentication::gate(Dfsps& dfsps) {
  return http::Gate(verifier_, dfsps, browser_ ? &browser_->sessions : nullptr);
}

}  // namespace hubseal::agent
