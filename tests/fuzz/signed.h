#pragma once

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "common/audit/checkpoint.h"
#include "common/wire/message.h"
#include "common/x509/csr.h"
#include "common/x509/der.h"
#include "daemon/ca/assemble.h"
#include "daemon/registry/ca_table.h"
#include "daemon/registry/certificate_table.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/software_room.h"

namespace hubseal::test {

using OcspBasic = std::unique_ptr<OCSP_BASICRESP, Deleter<OCSP_BASICRESP_free>>;

/// Judges what the keys of a room sign, whether it is released or not: OpenSSL must read all of it as the one thing
/// that a key of its use signs for the operation under way, and that must say what the shipped profiles allow.
class SignedJudge {
 public:
  using Certified = std::function<void(const x509::Certificate&)>;
  using Answered = std::function<void(OCSP_BASICRESP*)>;
  /// `participants` judges certificates that issue_certificate makes, `answers` what OCSP says.
  SignedJudge(SoftwareRoom& room, Certified participants, Answered answers)
      : room_(room), participants_(std::move(participants)), answers_(std::move(answers)) {}

  /// All that was signed since the last time, while `request` was answered.
  void judge(const wire::Request& request) {
    for (const SoftwareSigner::Signed& one : room_.signer().take_signed()) {
      const auto label = room_.room().keyring().label_of(one.key);
      MUST_HOLD(label);
      const auto key = room_.room().keyring().show(*label);
      MUST_HOLD(key);
      if (one.only_hash) {
        judge_digest(request, key->record, one);
        continue;
      }
      switch (key->record.use) {
        case daemon::KeyUse::ca: judge_of_ca(request, key->record, one); break;
        case daemon::KeyUse::tls: judge_csr(request, "create_csr", one); break;
        case daemon::KeyUse::jws: judge_jws(request, one); break;
        case daemon::KeyUse::ocsp: judge_answer(one); break;
        case daemon::KeyUse::audit: judge_checkpoint(one); break;
      }
    }
  }

 private:
  /// What nobody can read is signed for handshakes alone: with a key for them, and as it was asked for.
  static void judge_digest(const wire::Request& request, const daemon::KeyRecord& key,
                           const SoftwareSigner::Signed& one) {
    MUST_HOLD(key.use == daemon::KeyUse::tls && request.op == "sign_tls" && request.fields["key"] == key.label);
    MUST_HOLD(request.fields["algorithm"] == to_string(one.algorithm));
    const auto asked = from_hex(request.fields["digest"].get<std::string>());
    MUST_HOLD(asked && *asked == one.message);
  }

  /// In the shell that OpenSSL reads, with a signature of no meaning.
  static Bytes in_shell(const SoftwareSigner::Signed& one) {
    return x509::close_shell(one.message, ca::algorithm_identifier(one.algorithm).value(), Bytes(8, 1));
  }

  /// A certificate, a list, or what an outside root is asked for.
  void judge_of_ca(const wire::Request& request, const daemon::KeyRecord& key, const SoftwareSigner::Signed& one) {
    const Bytes shell = in_shell(one);
    if (const auto certificate = x509::Certificate::parse_der(shell)) return judge_certificate(request, *certificate);
    const unsigned char* next = shell.data();
    const std::unique_ptr<X509_CRL, Deleter<X509_CRL_free>> list(
        d2i_X509_CRL(nullptr, &next, static_cast<long>(shell.size())));
    if (!list || next != shell.data() + shell.size()) return judge_csr(request, "create_ca", one);
    judge_list(key, list.get());
  }

  void judge_certificate(const wire::Request& request, const x509::Certificate& certificate) {
    if (certificate.is_ca()) {
      MUST_HOLD(request.op == "create_ca" || request.op == "cross_certify");
      return must_be(certificate, KU_KEY_CERT_SIGN | KU_CRL_SIGN, {}, std::chrono::days(3653));
    }
    if (certificate.extended_key_usage() != std::vector<int>{NID_OCSP_sign}) {
      MUST_HOLD(request.op == "issue_certificate");
      return participants_(certificate);
    }
    must_be(certificate, KU_DIGITAL_SIGNATURE, {NID_OCSP_sign}, std::chrono::days(14));
    MUST_HOLD(X509_get_ext_by_NID(certificate.openssl(), NID_id_pkix_OCSP_noCheck, -1) >= 0);
    const auto label = room_.room().keyring().label_of(certificate.key_id());
    MUST_HOLD(label && room_.room().keyring().find(*label, daemon::KeyUse::ocsp));
  }
  static void must_be(const x509::Certificate& certificate, std::uint32_t usage, const std::vector<int>& purposes,
                      std::chrono::seconds longest) {
    MUST_HOLD(certificate.key_usage() == usage && certificate.extended_key_usage() == purposes);
    MUST_HOLD(certificate.path_len() == (certificate.is_ca() ? std::optional(0L) : std::nullopt));
    MUST_HOLD(certificate.not_after() - certificate.not_before() <= longest + std::chrono::minutes(5));
    MUST_HOLD(X509_get_ext_by_NID(certificate.openssl(), NID_subject_alt_name, -1) < 0);
  }

  /// Of the CA that has this key, and about certificates of that CA.
  void judge_list(const daemon::KeyRecord& key, const X509_CRL* list) {
    MUST_HOLD(X509_CRL_get_version(list) == 1 && X509_CRL_get_ext_count(list) == 2);
    for (const int nid : {NID_crl_number, NID_authority_key_identifier})
      MUST_HOLD(X509_CRL_get_ext_by_NID(list, nid, -1) >= 0);
    const auto cas = room_.registry().read(daemon::ca_table::list);
    MUST_HOLD(cas);
    const auto ca = std::find_if(cas->begin(), cas->end(), [&](const auto& one) { return one.key == key.label; });
    MUST_HOLD(ca != cas->end());
    const auto issuer = x509::Certificate::parse_der(ca->certificate);
    MUST_HOLD(issuer && x509::name_der(X509_CRL_get_issuer(list)) == issuer->subject_der());
    const auto* entries = X509_CRL_get_REVOKED(const_cast<X509_CRL*>(list));
    for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
      const ASN1_INTEGER* number = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
      const auto serial = x509::Serial::of(
          ByteView(ASN1_STRING_get0_data(number), static_cast<std::size_t>(ASN1_STRING_length(number))));
      MUST_HOLD(serial);
      const auto known = room_.registry().read([&](daemon::Database& database) {
        return daemon::certificate_table::find(database, ca->name, serial->hex());
      });
      MUST_HOLD(known && *known);
    }
  }

  /// For this key, and for the names that were asked for.
  static void judge_csr(const wire::Request& request, std::string_view op, const SoftwareSigner::Signed& one) {
    const auto csr = x509::Csr::parse_der(in_shell(one));
    MUST_HOLD(csr && request.op == op && csr->key_id() == one.key);
    const bool of_ca = op == "create_ca";
    const auto names = csr->names();
    const auto subject = csr->subject();
    const auto extensions = csr->requested_extensions();
    MUST_HOLD(names && subject && extensions && csr->asks_for_ca() == of_ca);
    const std::set<int> allowed =
        of_ca ? std::set{NID_basic_constraints, NID_key_usage} : std::set{NID_subject_alt_name};
    for (const x509::RequestedExtension& extension : *extensions) MUST_HOLD(allowed.contains(extension.nid));
    for (const auto& [attribute, value] : subject->entries())
      MUST_HOLD(request.fields["subject"].value(std::string(x509::to_string(attribute)), "") == value);
    using Texts = std::vector<std::string>;
    const auto asked =
        x509::SubjectAltNames::of(request.fields.value("dns", Texts()), request.fields.value("ip", Texts()));
    MUST_HOLD(of_ca ? names->empty() : asked && *asked == *names);
  }

  static void judge_jws(const wire::Request& request, const SoftwareSigner::Signed& one) {
    const std::string text(as_text(one.message));
    const std::size_t dot = text.find('.');
    MUST_HOLD(dot != std::string::npos);
    const auto header = from_base64url(text.substr(0, dot));
    MUST_HOLD(header);
    const auto said = parse_json(as_text(*header));
    MUST_HOLD(said && said->contains("alg"));
    if (request.op == "sign_fspiop") return judge_message(request, *said, text.substr(dot + 1));
    MUST_HOLD(request.op == "sign_jws" && said->size() == 2 && said->contains("kid"));
    MUST_HOLD(text.substr(dot + 1) == request.fields["payload"]);
  }

  /// The peers of SoftwareRoom may have "PUT /quotes/*" of "hub" signed, and nothing else.
  static void judge_message(const wire::Request& request, const Json& said, const std::string& body) {
    MUST_HOLD(said.value("FSPIOP-Source", "") == "hub" && said.value("FSPIOP-HTTP-Method", "") == "PUT");
    MUST_HOLD(said.value("FSPIOP-URI", "").starts_with("/quotes/"));
    MUST_HOLD(said.value("FSPIOP-Destination", "") == request.fields.value("destination", ""));
    MUST_HOLD(body == request.fields.value("body", ""));
  }

  void judge_answer(const SoftwareSigner::Signed& one) const {
    const Bytes shell = in_shell(one);
    const unsigned char* next = shell.data();
    const OcspBasic answer(d2i_OCSP_BASICRESP(nullptr, &next, static_cast<long>(shell.size())));
    MUST_HOLD(answer && next == shell.data() + shell.size());
    answers_(answer.get());
  }

  void judge_checkpoint(const SoftwareSigner::Signed& one) const {
    const auto checkpoint = audit::parse_checkpoint(as_text(one.message));
    MUST_HOLD(checkpoint && audit::text_of(*checkpoint) == as_text(one.message));
    MUST_HOLD(checkpoint->size <= room_.room().audit().records());
  }

  SoftwareRoom& room_;
  const Certified participants_;
  const Answered answers_;
};

}  // namespace hubseal::test
