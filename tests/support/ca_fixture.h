/// A CA in memory, for tests of what stands around the signature.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/x509/certificate.h"
#include "daemon/ca/prepare.h"
#include "daemon/ca/profile.h"

namespace hubseal::test {

/// 2026-11-24T09:00:00Z, so that expected dates can be written down.
constexpr TimePoint kNow{std::chrono::sys_days(std::chrono::year(2026) / 11 / 24) + std::chrono::hours(9)};

/// The shipped profiles and those of tests/support/profiles.
const ca::Profile& profile(const std::string& name);

/// Every *.toml of a folder, whoever may write to it.
Result<ca::Profiles> load_profiles(const std::filesystem::path& folder);

/// Somebody whom the register does not know yet: its certificates may say what they like.
ca::Participant anyone(const std::string& id = "bank1");

/// A root (profile test-root unless named) with a fresh key; prepared, signed and assembled by the
/// code under test.
struct TestCa {
  explicit TestCa(KeyType type, const std::string& profile_name = "test-root");

  /// The whole way of one CSR at `now`.
  Result<x509::Certificate> issue(const std::string& csr_pem, const ca::Profile& profile,
                                  const ca::Participant& participant = anyone(), TimePoint now = kNow) const;
  /// Signs what was prepared and assembles it.
  Result<x509::Certificate> finish(const ca::Prepared& prepared) const;

  PkeyPtr key;
  std::optional<ca::Issuer> issuer;
};

struct CsrContent {
  std::vector<x509::DistinguishedName::Entry> subject;
  std::vector<std::string> dns, ip;
};
/// A CSR of our own making.
std::string make_csr(EVP_PKEY* key, const CsrContent& content = {});

/// A file of the source tree, by its path from the root.
std::string source_file(const std::string& path);

}  // namespace hubseal::test
