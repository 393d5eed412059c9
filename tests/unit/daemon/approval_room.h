#pragma once

#include <string>
#include <vector>

#include <openssl/pem.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/dispatch.h"
#include "tests/support/must.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"

namespace hubseal::test {

using namespace daemon;

/// Certificates of dfsp-client need two people, changes of approvers as well, and what else a test says. The agent asks
/// as uid 997.
struct ApprovalRoom : SoftwareRoom {
  explicit ApprovalRoom(const ChangePolicy& more = [](const PolicyFiles&) {})
      : SoftwareRoom([&](const PolicyFiles& files) {
          must_replace_in(files.profiles_dir / "dfsp-client.toml", "approvals = 0", "approvals = 2");
          must_replace_in(files.policy_file, "change_approvers = 0", "change_approvers = 2");
          more(files);
        }) {
    make_keys_and_ca();
    agent.credentials.uid = 997;
  }

  static std::string csr_of(EVP_PKEY* key) {
    const CsrPtr csr(X509_REQ_new());
    BOOST_REQUIRE(X509_REQ_set_pubkey(csr.get(), key) == 1);
    BOOST_REQUIRE(X509_REQ_sign(csr.get(), key, EVP_sha256()) > 0);
    const BioPtr out(BIO_new(BIO_s_mem()));
    BOOST_REQUIRE(PEM_write_bio_X509_REQ(out.get(), csr.get()) == 1);
    char* text = nullptr;
    const long size = BIO_get_mem_data(out.get(), &text);
    return std::string(text, static_cast<std::size_t>(size));
  }

  Peer admin(uid_t uid) {
    Peer somebody = peer(Role::admin);
    somebody.credentials.uid = uid;
    return somebody;
  }
  /// "ok", or the code.
  std::string code(const Peer& by, std::string_view op, const Json& fields) {
    last = ask(by, op, fields);
    return last.contains("error") ? last["error"]["code"].get<std::string>() : "ok";
  }

  std::string add_uid(const std::string& name, uid_t uid, uid_t by = 0) {
    return code(admin(by), "add_approver", {{"name", name}, {"person", name}, {"kind", "uid"}, {"uid", uid}});
  }
  std::string add_key(const std::string& name, EVP_PKEY* key) {
    return code(admin(0), "add_approver",
                {{"name", name}, {"person", name}, {"kind", "key"}, {"public_key", must(public_key_pem(key))}});
  }
  std::string vote(uid_t uid, const std::string& approval, const char* decision = "approve") {
    return code(admin(uid), "approve", {{"approval", approval}, {"decision", decision}});
  }
  std::string submit(const std::string& approver, const std::string& approval, const Bytes& signature,
                     const char* decision = "approve") {
    return code(
        agent, "submit_approval",
        {{"approval", approval}, {"approver", approver}, {"decision", decision}, {"signature", to_base64(signature)}});
  }
  Bytes sign(EVP_PKEY* key, const std::string& approval, const char* decision = "approve") {
    const Json shown = ask(agent, "get_approval", {{"approval", approval}, {"decision", decision}});
    const std::string statement = shown["ok"]["statement"];
    return must(ecdsa_raw_to_der(sign_with(key, SignatureAlgorithm::ecdsa_sha256, as_bytes(statement))));
  }

  /// alice (uid 1001), then bob (uid 1002) with her consent.
  void add_alice_and_bob() {
    BOOST_REQUIRE(add_uid("alice", 1001) == "ok");
    BOOST_REQUIRE(add_uid("bob", 1002) == "approval_required");
    BOOST_REQUIRE(vote(1001, last["error"]["approval"]) == "ok");
    BOOST_REQUIRE(add_uid("bob", 1002) == "ok");
  }
  std::string issue(const std::string& request, const char* profile = "dfsp-client", const char* bank = "bank1") {
    return code(agent, "issue_certificate",
                {{"ca", "hub-ca"}, {"profile", profile}, {"subject", bank}, {"request", request}, {"csr", csr}});
  }

  Peer agent = peer(Role::agent);
  PkeyPtr bank_key = make_key(KeyType::ec_p256);
  std::string csr = csr_of(bank_key.get());
  Json last;
};

}  // namespace hubseal::test
