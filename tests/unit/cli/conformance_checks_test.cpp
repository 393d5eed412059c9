#include <tuple>

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/software_signer.h"
#include "tests/unit/cli/conformance_support.h"

using namespace hubseal;
using namespace hubseal::cli::conformance;
using std::chrono::days;
using std::chrono::hours;
using test::evidence_of;
using test::good_installation;
using test::verdict_of;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Authority& ca_of(Installation& found) { return found.authorities->front(); }

const Error kForbidden{Code::forbidden, "there is no operation for you", {}};

/// Every clause that a verdict is given for without being told by the policy's numbers.
std::vector<std::string> all_ids() {
  std::vector<std::string> ids;
  for (const Section& section : sections())
    for (const Clause& clause : section.clauses) ids.emplace_back(clause.id);
  return ids;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(conformance_checks)

BOOST_AUTO_TEST_CASE(a_good_installation_meets_what_an_installation_can_meet) {
  const Installation found = good_installation();
  for (const char* id : {"PKI-1",
                         "PKI-3",
                         "PKI-4",
                         "PKI-5",
                         "PKI-6",
                         "PKI-7",
                         "PKI-8",
                         "PKI-9",
                         "RFC 5280 4.1.2.2",
                         "RFC 5280 4.1.2.4",
                         "RFC 5280 4.2.1.1 to 4.2.1.3",
                         "RFC 5280 4.1.2.5",
                         "CA/B Baseline 6.1.1.3",
                         "RFC 7517",
                         "RFC 5280 5",
                         "RFC 6960",
                         "RFC 6962 2.1",
                         "C2SP signed-note",
                         "PKCS#11",
                         "PKI-2",
                         "NIST SP 800-57 part 1"})
    BOOST_TEST(verdict_of(id, found) == "met", id << ": " << evidence_of(id, found));
  for (const char* id : {"RFC 5280 4.2.1.10", "RFC 8813 section 3", "good practice"})
    BOOST_TEST(verdict_of(id, found) == "not applicable", id);
}

BOOST_AUTO_TEST_CASE(what_the_product_does_not_do_is_not_met_whatever_the_installation) {
  const Installation found = good_installation();
  for (const char* id : {"JWS-1", "JWS-3", "JWS-4", "JWS-5", "sdk-standard-components"})
    BOOST_TEST(verdict_of(id, found) == "not met");
  BOOST_TEST(verdict_of("JWS-2", found) == "partly");
  for (const char* id : {"PKI-10", "RFC 2986", "CA/B Network Security", "key ceremony"})
    BOOST_TEST(verdict_of(id, found) == "unknown");
}

BOOST_AUTO_TEST_CASE(a_ceremony_is_known_by_its_records_and_its_transcript_is_for_people) {
  Installation found = good_installation();
  found.log->makings = {{.record = 12, .at = test::kNow, .event = "create_ca", .ca = "hub-ca", .peer = "ceremony"}};
  const std::string said = evidence_of("key ceremony", found);
  BOOST_TEST(has(said, "record 12 of 2026-11-24T"), said);
  BOOST_TEST(has(said, "create_ca of CA hub-ca, by ceremony"), said);
  BOOST_TEST(has(said, "hubseal ceremony verify"), said);
  found.authorities->clear();
  BOOST_TEST(verdict_of("key ceremony", found) == "not applicable");
}

BOOST_AUTO_TEST_CASE(a_log_that_does_not_prove_itself_is_not_protected_against_change) {
  Installation found = good_installation();
  BOOST_TEST(has(evidence_of("CA/B Network Security", found), "none can be changed unseen"));
  found.log->consistent = false;
  BOOST_TEST(verdict_of("CA/B Network Security", found) == "not met");
}

BOOST_AUTO_TEST_CASE(a_list_whose_next_one_is_overdue_is_not_as_it_must_be) {
  Installation found = good_installation();
  found.now = ca_of(found).crl->next_update;
  BOOST_TEST(verdict_of("RFC 5280 5", found) == "not met");
  BOOST_TEST(has(evidence_of("RFC 5280 5", found), "its nextUpdate was "));
}

BOOST_AUTO_TEST_CASE(evidence_of_the_root_is_read_from_its_certificate) {
  const std::string said = evidence_of("PKI-1", good_installation());
  BOOST_TEST(has(said, "RSA-4096, sha512WithRSAEncryption, CA:TRUE, 2026-11-24 to 2036-11-24, self-signed"), said);
}

BOOST_AUTO_TEST_CASE(a_root_of_another_kind_of_key_is_none_as_the_rule_wants_it) {
  Installation found = good_installation();
  ca_of(found).certificate = test::TestCa(KeyType::ec_p256).issuer->certificate();
  BOOST_TEST(verdict_of("PKI-1", found) == "not met");
  const std::string said = evidence_of("PKI-1", found);
  BOOST_TEST(has(said, "EC P-256; wanted RSA of 4096 bits or more; signed with ecdsa-with-SHA256"), said);
  ca_of(found).certificate = test::TestCa(KeyType::rsa_2048).issuer->certificate();
  BOOST_TEST(has(evidence_of("PKI-1", found), "RSA-2048; wanted RSA of 4096 bits or more"));
}

BOOST_AUTO_TEST_CASE(a_root_that_has_ended_and_a_hub_without_a_root_do_not_meet_the_rule) {
  Installation found = good_installation();
  found.now = test::kNow + days(3660);
  BOOST_TEST(has(evidence_of("PKI-1", found), "not valid now"));
  found.authorities->clear();
  BOOST_TEST(verdict_of("PKI-1", found) == "not met");
  BOOST_TEST(verdict_of("PKI-7", found) == "not applicable");
}

BOOST_AUTO_TEST_CASE(after_eight_years_a_root_needs_a_successor_with_another_key) {
  Installation found = good_installation();
  BOOST_TEST(has(evidence_of("PKI-2", found), "a new key pair is due on 2034-11-24"));
  found.now = test::kNow + days(2930);
  BOOST_TEST(verdict_of("PKI-2", found) == "not met");
  Authority next = ca_of(found);
  next.name = "hub-ca-2";
  found.authorities->push_back(next);  // the same key again is none
  BOOST_TEST(verdict_of("PKI-2", found) == "not met");
}

BOOST_AUTO_TEST_CASE(a_root_that_was_retired_and_has_ended_is_told_and_held_to_nothing) {
  Installation found = good_installation();
  found.now = ca_of(found).certificate->not_after() + days(1);
  BOOST_TEST(verdict_of("PKI-1", found) == "not met");
  ca_of(found).state = "retired";
  BOOST_TEST(verdict_of("PKI-1", found) != "not met");
  BOOST_TEST(has(evidence_of("PKI-1", found), "was retired and ended on"));
}

BOOST_AUTO_TEST_CASE(a_list_that_is_behind_is_not_met_though_it_is_not_old) {
  Installation found = good_installation();
  BOOST_TEST(verdict_of("PKI-7", found) == "met");
  found.health.problems = {"CRL of CA \"hub-ca\" is behind: hsm_unavailable"};
  BOOST_TEST(verdict_of("PKI-7", found) != "met");
  BOOST_TEST(has(evidence_of("PKI-7", found), "is behind"));
}

BOOST_AUTO_TEST_CASE(a_root_whose_key_is_compromised_meets_no_rule_and_is_nobodys_successor) {
  Installation found = good_installation();
  Key key = found.keys->front();
  key.label = ca_of(found).key;
  key.state = "destroyed";
  key.compromised = true;
  found.keys->insert(found.keys->begin(), key);
  for (const char* id : {"PKI-1", "PKI-2"}) {
    BOOST_TEST(verdict_of(id, found) == "not met", id);
    BOOST_TEST(has(evidence_of(id, found), "its key is compromised"), id);
  }
}

BOOST_AUTO_TEST_CASE(an_old_an_expired_and_a_false_list_are_told_apart) {
  Installation found = good_installation();
  ca_of(found).crl->this_update = found.now - hours(26);
  BOOST_TEST(has(evidence_of("PKI-7", found), "26 h old"));
  BOOST_TEST(has(evidence_of("PKI-7", found), "wanted a new one every day"));
  BOOST_TEST(verdict_of("PKI-7", found) == "not met");
  ca_of(found).crl->next_update = found.now - hours(1);
  BOOST_TEST(has(evidence_of("PKI-7", found), "it has expired"));
  ca_of(found).crl->signature_good = false;
  BOOST_TEST(verdict_of("RFC 5280 5", found) == "not met");
}

BOOST_AUTO_TEST_CASE(no_ocsp_and_a_seal_leave_revocation_partly_met) {
  Installation found = good_installation();
  found.health.sealed = true;
  BOOST_TEST(verdict_of("PKI-7", found) == "partly");
  found.health.sealed = false;
  ca_of(found).ocsp = fail(Code::hsm_unavailable, "the responder says trylater");
  BOOST_TEST(verdict_of("PKI-7", found) == "partly");
  BOOST_TEST(verdict_of("RFC 6960", found) == "not met");
  ca_of(found).ocsp = Ocsp{.status = "good", .signature_good = true, .nonce_echoed = false, .current = true};
  BOOST_TEST(has(evidence_of("RFC 6960", found), "does not repeat the nonce"));
  CertificateRow row;
  row.ca = ca_of(found).name;
  row.serial = ca_of(found).certificate->serial().hex();
  found.certificates->rows.push_back(row);
  for (const char* status : {"unknown", "revoked"}) {
    ca_of(found).ocsp = Ocsp{.status = status, .signature_good = true, .nonce_echoed = true, .current = true};
    BOOST_TEST(verdict_of("RFC 6960", found) == "not met");
  }
}

BOOST_AUTO_TEST_CASE(a_responder_that_nobody_has_asked_is_unknown_and_one_that_cannot_be_is_missing) {
  Installation found = good_installation();
  ca_of(found).ocsp = fail(Code::not_found, "nobody has asked its responder yet");
  BOOST_TEST(verdict_of("PKI-7", found) == "unknown");
  BOOST_TEST(verdict_of("RFC 6960", found) == "unknown");
  std::erase_if(found.policy->profiles, [](const Profile& profile) { return profile.kind == "ocsp_responder"; });
  BOOST_TEST(verdict_of("PKI-7", found) == "partly");
  BOOST_TEST(verdict_of("RFC 6960", found) == "not met");
}

BOOST_AUTO_TEST_CASE(profiles_are_held_to_kind_length_names_addresses_and_renewal) {
  Installation found = good_installation();
  Profile& client = found.policy->profiles.front();
  client.crl_urls.clear();
  BOOST_TEST(verdict_of("PKI-6", found) == "partly");
  client.validity_days = 1000;
  BOOST_TEST(verdict_of("PKI-4", found) == "not met");
  client.validity_days = 730;
  client.key_types.emplace_back("ec_p256");
  BOOST_TEST(verdict_of("PKI-4", found) == "partly");
  client.required.erase("country");
  BOOST_TEST(has(evidence_of("PKI-5", found), "profile dfsp-client asks for no country"));
  client.renew_from_days = 0;
  BOOST_TEST(verdict_of("PKI-9", found) == "not met");
  client.extended_key_usage = {"client_auth", "server_auth"};
  BOOST_TEST(verdict_of("PKI-3", found) == "not met");
  found = good_installation();
  std::erase_if(found.policy->profiles, [](const Profile& profile) { return profile.name == "encryption"; });
  BOOST_TEST(verdict_of("PKI-3", found) == "partly");
  BOOST_TEST(has(evidence_of("PKI-3", found), "no profile for encryption certificates"));
  found.policy->register_mode = "auto";
  BOOST_TEST(verdict_of("PKI-5", found) == "partly");
}

BOOST_AUTO_TEST_CASE(one_common_name_for_two_participants_is_found_in_the_registry) {
  Installation found = good_installation();
  CertificateRow other = found.certificates->rows.front();
  other.subject = "bank2";
  other.serial = "aa";
  other.distinguished_name = "CN=BANK1,O=Bank Two,C=KE";
  found.certificates->rows.push_back(other);
  BOOST_TEST(has(evidence_of("PKI-5", found), "CN bank1 was certified for bank1 and bank2"));
  found.certificates->rows.push_back(other);
  BOOST_TEST(has(evidence_of("RFC 5280 4.1.2.2", found), "two certificates with serial aa"));
}

BOOST_AUTO_TEST_CASE(the_generations_of_a_ca_are_one_holder_of_its_name_and_a_participant_is_another) {
  Installation found = good_installation();
  CertificateRow cross = found.certificates->rows.front();
  cross.cross = true;
  cross.distinguished_name = "CN=Example Hub Root CA,O=Example Hub,C=KE";
  for (const auto& [subject, by, serial] :
       {std::tuple{"hub-ca-2", "hub-ca", "a1"}, {"hub-ca", "hub-ca-2", "a2"}, {"hub-ca-3", "hub-ca-2", "a3"}}) {
    cross.subject = subject;
    cross.ca = by;
    cross.serial = serial;
    found.certificates->rows.push_back(cross);
  }
  BOOST_TEST(verdict_of("PKI-5", found) == "met");
  CertificateRow thief = found.certificates->rows.front();
  thief.distinguished_name = "CN=example hub root ca,O=Bank One,C=KE";
  found.certificates->rows.push_back(thief);
  BOOST_TEST(has(evidence_of("PKI-5", found), "CN example hub root ca was certified for bank1 and the hub's CAs"));
}

BOOST_AUTO_TEST_CASE(certificates_are_held_to_the_rules_one_by_one) {
  Installation found = good_installation();
  const Issued good = found.certificates->read.front();
  found.certificates->read.push_back(good);
  BOOST_TEST(verdict_of("PKI-8", found) == "not met");  // one key in two certificates
  found.certificates->read.front().certificate = test::TestCa(KeyType::ec_p256).issuer->certificate();
  for (const char* id : {"PKI-3", "PKI-4", "RFC 5280 4.1.2.4", "RFC 5280 4.2.1.1 to 4.2.1.3", "RFC 2986"})
    BOOST_TEST(verdict_of(id, found) == "not met", id);
  BOOST_TEST(verdict_of("PKI-6", found) == "partly");
  BOOST_TEST(has(evidence_of("RFC 2986", found), "CA:TRUE"));
  BOOST_TEST(verdict_of("RFC 8813 section 3", found) == "met");
}

BOOST_AUTO_TEST_CASE(of_many_certificates_at_fault_a_few_are_named) {
  Installation found = good_installation();
  const Issued one = found.certificates->read.front();
  for (int i = 0; i < 20; ++i) found.certificates->read.push_back(one);
  BOOST_TEST(has(evidence_of("PKI-8", found), "15 more like these"));
}

BOOST_AUTO_TEST_CASE(keys_that_were_imported_lost_or_given_away_are_told) {
  Installation found = good_installation();
  found.keys->front().grade = "imported";
  BOOST_TEST(has(evidence_of("PKCS#11", found), "is imported; wanted generated"));
  found.keys->front().compromised = true;
  BOOST_TEST(has(evidence_of("NIST SP 800-57 part 1", found), "CA hub-ca has a key that is compromised"));
  found.keys->front().compromised = false;
  found.keys->front().state = "missing";
  BOOST_TEST(verdict_of("PKCS#11", found) == "not met");
  BOOST_TEST(verdict_of("NIST SP 800-57 part 1", found) == "not met");
}

BOOST_AUTO_TEST_CASE(a_jws_key_is_held_to_its_size_and_its_name) {
  Installation found = good_installation();
  Key& jws = found.keys->back();
  jws.type = "ec_p256";
  BOOST_TEST(has(evidence_of("JWS-2", found), "key hub-jws: ec_p256; wanted rsa_2048 or rsa_3072"));
  jws.kid = "another";
  BOOST_TEST(verdict_of("RFC 7517", found) == "not met");
  found.keys->pop_back();
  for (const char* id : {"JWS-1", "JWS-3", "JWS-4", "RFC 7517"}) BOOST_TEST(verdict_of(id, found) == "not applicable");
}

BOOST_AUTO_TEST_CASE(software_and_decisions_of_one_person_are_told) {
  Installation found = good_installation();
  found.health.module = "/usr/lib/softhsm/libsofthsm2.so";
  BOOST_TEST(verdict_of("CA/B Network Security", found) == "not met");
  found.policy->approvals_needed["create_ca"] = 0;
  BOOST_TEST(has(evidence_of("CA/B Network Security", found), "nobody else must agree to create_ca"));
  found.approvers->clear();
  BOOST_TEST(has(evidence_of("CA/B Network Security", found), "0 people can agree; policy asks for 2"));
}

BOOST_AUTO_TEST_CASE(a_log_that_proves_nothing_is_told) {
  Installation found = good_installation();
  found.log->uncovered = found.now - std::chrono::minutes(11);
  BOOST_TEST(verdict_of("C2SP signed-note", found) == "not met");
  found.log->uncovered.reset();
  found.log->cosignatures.clear();
  BOOST_TEST(verdict_of("C2SP signed-note", found) == "partly");
  found.log->consistent = false;
  BOOST_TEST(verdict_of("RFC 6962 2.1", found) == "not met");
  found.log->signature_good = false;
  BOOST_TEST(verdict_of("C2SP signed-note", found) == "not met");
}

BOOST_AUTO_TEST_CASE(without_permission_nothing_is_said_to_be_met) {
  Installation found;
  found.health.token_ready = true;
  found.health.module = "/usr/lib/vendor/libhsm.so";
  found.keys = fail(kForbidden.code, kForbidden.message);
  found.authorities = fail(kForbidden.code, kForbidden.message);
  found.certificates = fail(kForbidden.code, kForbidden.message);
  found.policy = fail(kForbidden.code, kForbidden.message);
  found.log = fail(kForbidden.code, kForbidden.message);
  found.approvers = fail(kForbidden.code, kForbidden.message);
  for (const std::string& id : all_ids()) BOOST_TEST(verdict_of(id, found) != "met", id);
  for (const char* id : {"PKI-1", "PKI-4", "PKI-7", "JWS-1", "RFC 5280 5", "C2SP signed-note", "PKCS#11"}) {
    BOOST_TEST(verdict_of(id, found) == "unknown", id);
    BOOST_TEST(has(evidence_of(id, found), "no permission to look"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
