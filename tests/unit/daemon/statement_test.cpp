#include "daemon/approvals/statement.h"

#include <boost/test/unit_test.hpp>

#include "daemon/approvals/approver_key.h"
#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

ApprovalRecord example() {
  return {.id = 17,
          .operation = "issue_certificate",
          .about = "bank1",
          .content = R"({"ca":"hub-ca"})",
          .policy_version = 3,
          .needed = 2,
          .peer = "agent",
          .uid = 997,
          .nonce = {0x8d, 0x3f},
          .expires_at = test::must(parse_utc("2026-11-27T09:00:00Z"))};
}

Bytes spki_of_type(int type) {
  EVP_PKEY* made = nullptr;
  const PkeyContextPtr context(EVP_PKEY_CTX_new_id(type, nullptr));
  BOOST_REQUIRE(EVP_PKEY_keygen_init(context.get()) == 1 && EVP_PKEY_keygen(context.get(), &made) == 1);
  const PkeyPtr key(made);
  return test::must(spki_of(key.get()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(statement)

// The bytes are the protocol: docs/PROTOCOL.md, "Approval statement". The hash is sha256sum's.
BOOST_AUTO_TEST_CASE(it_is_these_bytes) {
  BOOST_TEST(approval_statement("5f0c", example(), Decision::approve) ==
             "hubseal-approval/v1\n"
             "instance: 5f0c\n"
             "approval: a-17\n"
             "decision: approve\n"
             "operation: issue_certificate\n"
             "about: bank1\n"
             "content-sha256: 86dfa94625c3b9e9ced627b45167a2c2920baaa5bac60bd2dad17ad16fbdd7e3\n"
             "policy-version: 3\n"
             "requester: agent uid 997\n"
             "expires: 2026-11-27T09:00:00Z\n"
             "nonce: 8d3f\n");
}

BOOST_AUTO_TEST_CASE(every_part_of_the_request_changes_it) {
  const std::string same = approval_statement("5f0c", example(), Decision::approve);
  BOOST_TEST(approval_statement("5f0d", example(), Decision::approve) != same);
  BOOST_TEST(approval_statement("5f0c", example(), Decision::reject) != same);
  const auto changed = [&](auto change) {
    ApprovalRecord approval = example();
    change(approval);
    return approval_statement("5f0c", approval, Decision::approve) != same;
  };
  BOOST_TEST(changed([](ApprovalRecord& a) { a.id = 18; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.operation = "create_ca"; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.about = "bank2"; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.content += ' '; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.policy_version = 4; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.peer = "admin"; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.uid = 0; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.nonce[0] ^= 1; }));
  BOOST_TEST(changed([](ApprovalRecord& a) { a.expires_at += std::chrono::seconds(1); }));
}

BOOST_AUTO_TEST_CASE(no_name_becomes_two_lines_of_it) {
  for (const char* text : {"bank1\nnonce: 00", "a\rb", "a\tb", "a\x7f"})
    BOOST_TEST((check_statement_line(text).error().code == Code::internal), text);
  BOOST_TEST(check_statement_line("bank1").has_value());
}

BOOST_AUTO_TEST_CASE(approvers_sign_with_p256_and_ed25519_and_nothing_else) {
  BOOST_TEST(read_approver_key(spki_of_type(EVP_PKEY_ED25519)).has_value());
  BOOST_TEST(read_approver_key(test::must(spki_of(test::make_key(KeyType::ec_p256).get()))).has_value());
  for (const Bytes& spki : {spki_of_type(EVP_PKEY_ED448), spki_of_type(EVP_PKEY_X25519),
                            test::must(spki_of(test::make_key(KeyType::ec_p384).get())),
                            test::must(spki_of(test::make_key(KeyType::rsa_2048).get()))})
    BOOST_TEST((read_approver_key(spki).error().code == Code::policy_denied));
  BOOST_TEST((read_approver_key(Bytes{0x30, 0x00}).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(an_ecdsa_signature_is_der_and_whole) {
  const PkeyPtr key = test::make_key(KeyType::ec_p256);
  const Bytes message = {1, 2, 3};
  const Bytes raw = test::sign_with(key.get(), SignatureAlgorithm::ecdsa_sha256, message);
  const Bytes der = test::must(ecdsa_raw_to_der(raw));
  BOOST_TEST(verify_with_approver_key(key.get(), message, der));
  BOOST_TEST(!verify_with_approver_key(key.get(), message, raw));
  Bytes longer = der;
  longer.push_back(0);
  BOOST_TEST(!verify_with_approver_key(key.get(), message, longer));
  BOOST_TEST(!verify_with_approver_key(key.get(), message, Bytes()));
}

BOOST_AUTO_TEST_SUITE_END()
