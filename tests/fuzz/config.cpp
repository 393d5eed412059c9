// Any bytes as hubseald.toml, as policy.toml and as a profile.
#include <sys/stat.h>

#include <fstream>

#include "daemon/ca/profile.h"
#include "daemon/config.h"
#include "daemon/policy/policy.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const test::TempDir folder;
  static const auto path = folder / "input.toml";
  std::ofstream(path, std::ios::binary).write(text_of(data, size).data(), static_cast<std::streamsize>(size));
  ::chmod(path.c_str(), 0600);
  if (const auto config = daemon::Config::load(path)) {
    MUST_HOLD(!config->peers.empty());
    MUST_HOLD(config->token.label.has_value() != config->token.serial.has_value());
    for (const auto& peer : config->peers) MUST_HOLD(peer.uid.has_value() != peer.gid.has_value());
  }
  const std::string text(text_of(data, size));
  daemon::PolicySource source;
  source.files["policy.toml"] = text;
  if (const auto policy = daemon::decode_policy(source); !policy) MUST_HOLD(policy.error().code != Code::internal);
  for (const char* name : {"hub-root", "dfsp-client", "jws"}) {
    ca::Profiles profiles;
    if (!profiles.add(std::string(name) + ".toml", text)) continue;
    const ca::Profile* profile = profiles.find(name);
    MUST_HOLD(profile && !profile->key_types.empty() && profile->validity.count() > 0);
    MUST_HOLD(profile->renew_from < profile->validity || profile->kind == ca::Kind::ca);
    const auto bits = profile->key_usage_bits(KeyType::rsa_2048);
    MUST_HOLD(profile->kind == ca::Kind::ca || !(bits & KU_KEY_CERT_SIGN));
  }
  return 0;
}
