#include "tests/unit/daemon/ocsp_room.h"

#include <openssl/ocsp.h>

#include <filesystem>
#include <fstream>

#include "daemon/registry/revocation_table.h"

namespace hubseal::test::ocsp {
namespace {

std::chrono::seconds elapsed{1000};  // ClockGuard takes a function

template <class T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;

TimePoint time_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return TimePoint(std::chrono::seconds(::timegm(&parts)));
}

Said read(const Bytes& der) {
  const unsigned char* next = der.data();
  const Owned<OCSP_RESPONSE, OCSP_RESPONSE_free> response(
      d2i_OCSP_RESPONSE(nullptr, &next, static_cast<long>(der.size())));
  Said said{.outcome = OCSP_response_status(response.get()), .status = {}, .responder = {}, .der = der};
  const Owned<OCSP_BASICRESP, OCSP_BASICRESP_free> basic(
      said.outcome == OCSP_RESPONSE_STATUS_SUCCESSFUL ? OCSP_response_get1_basic(response.get()) : nullptr);
  if (!basic) return said;
  ASN1_GENERALIZEDTIME *until = nullptr, *revoked = nullptr;
  said.status =
      OCSP_cert_status_str(OCSP_single_get0_status(OCSP_resp_get0(basic.get(), 0), nullptr, &revoked, nullptr, &until));
  said.next_update = time_of(until);
  said.produced = time_of(OCSP_resp_get0_produced_at(basic.get()));
  if (revoked) said.revoked_at = time_of(revoked);
  X509* const signer = sk_X509_value(OCSP_resp_get0_certs(basic.get()), 0);
  const Owned<BIGNUM, BN_free> serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(signer), nullptr));
  Bytes magnitude(static_cast<std::size_t>(BN_num_bytes(serial.get())));
  BN_bn2bin(serial.get(), magnitude.data());
  said.responder = to_hex(magnitude);
  return said;
}

}  // namespace

Room::Room(const Root& root) {
  for (Quota& quota : policy.quotas) quota.unlimited = true;
  policy.profiles = must(load_profiles("config/profiles"));
  open();
  ca::Profile profile = test::profile("test-root");
  profile.validity = root.validity;
  profile.backdate = root.backdate;
  const KeyRecord key = must(keyring->create("hub-ca", KeyType::ec_p256, KeyUse::ca)).record;
  const auto subject = must(x509::DistinguishedName::of({{x509::Attribute::country, "KE"},
                                                         {x509::Attribute::organization, "Hub"},
                                                         {x509::Attribute::common_name, "Root"}}));
  const CertificateRecord issued =
      must(issuance_->issue_root("admin", "hub-ca", key, profile, subject,
                                 {.who = Json::object(),
                                  .authorize = [](const auto&) { return Grant(); },
                                  .record_result = [](const auto&) { return Result<>(); }}));
  root_serial = issued.serial;
  must(authorities_->add({.name = "hub-ca",
                          .key = "hub-ca",
                          .profile = "test-root",
                          .certificate = issued.certificate,
                          .csr = {},
                          .chain = {}}));
}

void Room::open() {
  responder.reset();
  revocation_.reset();
  const auto state = folder_.path() / "state";
  std::filesystem::create_directories(folder_.path() / "audit");
  std::filesystem::create_directory(state);
  audit_.reset();
  registry_ = nullptr;
  registry_ = must(Registry::open(state));
  audit_ = must(AuditLog::open(folder_.path() / "audit", clock));
  keyring = must(Keyring::open(*registry_, token, clock));
  authorities_ = must(Authorities::open(*registry_));
  gate = std::make_unique<Gate>();
  guard_ = std::make_unique<ClockGuard>(clock, *registry_, [] { return elapsed; });
  quotas_ = must(Quotas::open(*registry_, clock, [] { return std::chrono::milliseconds(elapsed); }));
  issuance_ = std::make_unique<Issuance>(Issuance::Parts{.registry = *registry_,
                                                         .audit = *audit_,
                                                         .authorities = *authorities_,
                                                         .keyring = *keyring,
                                                         .signer = token,
                                                         .clock = *guard_});
  responder = std::make_unique<OcspResponder>(OcspResponder::Parts{.registry = *registry_,
                                                                   .audit = *audit_,
                                                                   .authorities = *authorities_,
                                                                   .keyring = *keyring,
                                                                   .issuance = *issuance_,
                                                                   .quotas = *quotas_,
                                                                   .signer = token,
                                                                   .gate = *gate,
                                                                   .clock = *guard_});
  revocation_ = std::make_unique<Revocation>(Revocation::Parts{.registry = *registry_,
                                                               .audit = *audit_,
                                                               .authorities = *authorities_,
                                                               .keyring = *keyring,
                                                               .signer = token,
                                                               .gate = *gate,
                                                               .clock = clock,
                                                               .guard = *guard_,
                                                               .folder = folder_.path() / "crl"});
}

void Room::pass(std::chrono::seconds time) {
  clock.time += time;
  elapsed += time;
}

Bytes Room::question(const std::string& nonce, const std::string& serial) const {
  const auto authority = must(authorities_->find("hub-ca"));
  X509* const issuer = authority->issuer->certificate().openssl();
  const Bytes number = must(x509::Serial::parse(serial.empty() ? root_serial : serial)).magnitude();
  const Owned<BIGNUM, BN_free> big(BN_bin2bn(number.data(), static_cast<int>(number.size()), nullptr));
  const Owned<ASN1_INTEGER, ASN1_INTEGER_free> integer(BN_to_ASN1_INTEGER(big.get(), nullptr));
  const Owned<OCSP_REQUEST, OCSP_REQUEST_free> request(OCSP_REQUEST_new());
  OCSP_request_add0_id(request.get(), OCSP_cert_id_new(EVP_sha1(), X509_get_subject_name(issuer),
                                                       X509_get0_pubkey_bitstr(issuer), integer.get()));
  std::string value = nonce;
  if (!nonce.empty())
    OCSP_request_add1_nonce(request.get(), reinterpret_cast<unsigned char*>(value.data()),
                            static_cast<int>(value.size()));
  Bytes der(static_cast<std::size_t>(i2d_OCSP_REQUEST(request.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_OCSP_REQUEST(request.get(), &at);
  return der;
}

Said Room::ask(const std::string& nonce, const std::string& serial) { return ask_der(question(nonce, serial)); }

Said Room::ask_der(const Bytes& question) {
  return read(must(responder->respond(policy, question, Json{{"peer", "agent"}})));
}

void Room::revoke(const std::string& serial, ca::RevocationReason reason) {
  must(registry_->write([&](Database& database) {
    return revocation_table::set(database, {"hub-ca", serial, reason, clock.now()});
  }));
}

std::vector<std::string> Room::keys(KeyLife life) {
  std::vector<std::string> labels;
  const std::vector<Key> all = must(keyring->list());
  for (const Key& key : all)
    if (key.record.use == KeyUse::ocsp && key.record.life == life) labels.push_back(key.record.label);
  return labels;
}

int Room::recorded(const std::string& event) const {
  int count = 0;
  std::ifstream file(folder_.path() / "audit" / "audit.jsonl");
  for (std::string line; std::getline(file, line);)
    if (line.find("\"event\":\"" + event + "\"") != std::string::npos) ++count;
  return count;
}

}  // namespace hubseal::test::ocsp
