#include "agent/service/revocations.h"

#include <fmt/format.h>
#include <openssl/x509v3.h>
#include <nlohmann/json.hpp>

#include "agent/service/x509_words.h"
#include "common/log.h"
#include "common/x509/certificate.h"
#include "common/x509/der.h"
#include "common/x509/pem.h"

namespace hubseal::agent {
namespace {

using IntegerPtr = std::unique_ptr<ASN1_INTEGER, Deleter<ASN1_INTEGER_free>>;

constexpr std::chrono::seconds kListsHold{10};

/// The serial number as it stands in a certificate: the first field of TBSCertificate, or the one behind the [0] of the
/// version. Read off it and not decoded with it, which takes many times as long, and lists have 200.
Result<IntegerPtr> serial_in(std::string_view pem) {
  const Bytes der = TRY(x509::der_of_pem(pem, {"CERTIFICATE"}));
  ByteView fields = TRY(x509::content_of(TRY(x509::content_of(der, 0x30)), 0x30));
  if (!fields.empty() && fields[0] == 0xa0) TRY(x509::take_value(fields));
  const ByteView serial = TRY(x509::take_value(fields));
  const unsigned char* next = serial.data();
  IntegerPtr number(d2i_ASN1_INTEGER(nullptr, &next, static_cast<long>(serial.size())));
  if (!number) return fail(Code::bad_request, "a certificate without a serial number: " + drain_openssl_errors());
  return number;
}

/// A CA that takes over from another may have its name: each has a list of its own.
bool is_of_its_issuer(const X509_CRL* list, std::string_view pem) {
  const auto certificate = x509::Certificate::parse(pem);
  return certificate && X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_issuer_name(certificate->openssl())) == 0;
}

bool is_hold(const X509_REVOKED* entry) {
  const std::unique_ptr<ASN1_ENUMERATED, Deleter<ASN1_ENUMERATED_free>> reason(
      static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)));
  drain_openssl_errors();
  return reason && ASN1_ENUMERATED_get(reason.get()) == CRL_REASON_CERTIFICATE_HOLD;
}

}  // namespace

Result<std::shared_ptr<const Revocations::Lists>> Revocations::read() {
  auto lists = std::make_shared<Lists>();
  for (const Bytes& der : TRY(fetch_())) {
    const unsigned char* next = der.data();
    lists->emplace_back(d2i_X509_CRL(nullptr, &next, static_cast<long>(der.size())));
    if (!lists->back())
      return fail(Code::internal, "the signing daemon's answer: a CRL that is none: " + drain_openssl_errors());
    X509_CRL_sort(lists->back().get());  // now, while nobody else looks into it
  }
  return lists;
}

// One reads them; who comes meanwhile has those of before, and so nobody waits for a hubseald that hangs but one.
std::shared_ptr<const Revocations::Lists> Revocations::lists() {
  auto known = known_.lock();
  const auto now = std::chrono::steady_clock::now();
  if (now < known->until) return known->lists;
  known->until = now + kListsHold;
  known.unlock();
  auto found = read();
  known.relock();
  if (!found && !known->failing)
    log::warning("hubseald's CRLs cannot be read: certificates are shown as what was read last says",
                 {{"problem", found.error().message}});
  known->failing = !found;
  if (found) known->lists = *std::move(found);
  return known->lists;
}

Revocations::Found Revocations::find(std::string_view pem) {
  const auto all = lists();
  if (!all || all->empty()) return {};
  const auto serial = serial_in(pem);
  if (!serial) return {};
  for (const auto& list : *all) {
    X509_REVOKED* entry = nullptr;
    if (X509_CRL_get0_by_serial(list.get(), &entry, serial->get()) != 1 || !is_of_its_issuer(list.get(), pem)) continue;
    return {is_hold(entry) ? State::on_hold : State::revoked, time_text(X509_REVOKED_get0_revocationDate(entry))};
  }
  return {};
}

void Revocations::add_to(std::string_view pem, std::string& validations_json, std::string& validation_state) {
  const Found found = find(pem);
  if (found.state == State::in_force) return;
  const std::string message =
      found.state == State::on_hold
          ? fmt::format("The certificate is on hold since {}: the hub's security team releases or revokes it.",
                        found.since)
          : fmt::format("The hub's CA has revoked the certificate at {}; wanted another, for another key.",
                        found.since);
  Json validations = Json::parse(validations_json);
  validations.push_back(to_json(std::vector{Validation{"CERTIFICATE_VALID_CRL", Verdict::invalid, message}}).front());
  validations_json = dump_json(validations);
  validation_state = to_string(Verdict::invalid);
}

}  // namespace hubseal::agent
