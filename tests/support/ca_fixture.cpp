#include "tests/support/ca_fixture.h"

#include "common/files.h"
#include "daemon/ca/assemble.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"

namespace hubseal::test {

using x509::Attribute;

namespace {

Result<> add_folder(ca::Profiles& profiles, const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".toml")
      TRY(profiles.add(entry.path().filename(), TRY(read_file(entry.path(), 1 << 20, Trust::any))));
  return {};
}

}  // namespace

Result<ca::Profiles> load_profiles(const std::filesystem::path& folder) {
  ca::Profiles profiles;
  TRY(add_folder(profiles, folder));
  return profiles;
}

const ca::Profile& profile(const std::string& name) {
  static const ca::Profiles kProfiles = [] {
    ca::Profiles profiles;
    for (const char* from : {"config/profiles", "tests/support/profiles"}) must(add_folder(profiles, from));
    return profiles;
  }();
  return *kProfiles.find(name);
}

ca::Participant anyone(const std::string& id) {
  return {.id = id, .organization = id, .country = "ZZ", .names = std::nullopt};
}

TestCa::TestCa(KeyType type, const std::string& profile_name) : key(make_key(type)) {
  const auto subject = x509::DistinguishedName::of({{Attribute::common_name, "Example Hub Root CA"},
                                                    {Attribute::organization, "Example Hub"},
                                                    {Attribute::country, "ZZ"}})
                           .value();
  const Bytes spki = spki_of(key.get()).value();
  const ca::Prepared prepared =
      ca::prepare_root({profile(profile_name), subject, spki, ca::new_serial().value(), kNow}).value();
  issuer = ca::Issuer::of(finish(prepared).value()).value();
}

Result<x509::Certificate> TestCa::issue(const std::string& csr_pem, const ca::Profile& profile,
                                        const ca::Participant& participant, TimePoint now) const {
  const x509::Csr csr = TRY(x509::Csr::parse(csr_pem));
  const x509::Serial serial = TRY(ca::new_serial());
  return finish(TRY(ca::prepare_certificate(*issuer, {profile, csr, participant, "hub-ca", serial, now})));
}

Result<x509::Certificate> TestCa::finish(const ca::Prepared& prepared) const {
  const Bytes signature = sign_with(key.get(), prepared.algorithm, prepared.tbs);
  return ca::assemble_certificate(prepared.tbs, prepared.algorithm, signature, key.get());
}

std::string make_csr(EVP_PKEY* key, const CsrContent& content) {
  const auto subject = x509::DistinguishedName::of(content.subject).value();
  const auto names = x509::SubjectAltNames::of(content.dns, content.ip).value();
  const Bytes spki = spki_of(key).value();
  if (subject.empty() && names.empty()) {
    // What prepare_csr refuses to make, and what the client of the banks sends: an empty name, no SAN.
    const CsrPtr csr(X509_REQ_new());
    if (X509_REQ_set_pubkey(csr.get(), key) != 1 || X509_REQ_sign(csr.get(), key, EVP_sha256()) <= 0) return {};
    unsigned char* der = nullptr;
    const int size = i2d_X509_REQ(csr.get(), &der);
    std::string pem = x509::Csr::parse_der({der, static_cast<std::size_t>(size)}).value().to_pem();
    OPENSSL_free(der);
    return pem;
  }
  const ca::PreparedCsr prepared = ca::prepare_csr(subject, names, spki).value();
  const Bytes signature = sign_with(key, prepared.algorithm, prepared.info);
  return ca::assemble_csr(prepared.info, prepared.algorithm, signature).value().to_pem();
}

std::string source_file(const std::string& path) { return read_file(path, 1 << 20, Trust::any).value(); }

}  // namespace hubseal::test
