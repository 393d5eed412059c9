#include "daemon/dispatch.h"

#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <set>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/wire/message.h"
#include "tests/support/must.h"
#include "tests/support/software_room.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

const std::pair<const char*, Permission> kOperations[] = {
    {"health", Permission::status},
    {"version", Permission::status},
    {"list_keys", Permission::read_keys},
    {"get_public_key", Permission::read_keys},
    {"create_key", Permission::create_key},
    {"check_ca", Permission::create_ca},
    {"create_ca", Permission::create_ca},
    {"get_ca", Permission::read_certificates},
    {"issue_certificate", Permission::issue_certificate},
    {"get_certificate", Permission::read_certificates},
    {"list_certificates", Permission::read_certificates},
    {"create_csr", Permission::create_csr},
    {"csr_for_key", Permission::create_csr},
    {"sign_jws", Permission::sign_jws},
    {"set_subject", Permission::manage_subjects},
    {"get_subject", Permission::read_subjects},
    {"list_subjects", Permission::read_subjects},
    {"load_policy", Permission::manage_policy},
    {"get_policy", Permission::read_policy},
    {"list_policies", Permission::read_policy},
    {"list_approvals", Permission::read_approvals},
    {"get_approval", Permission::read_approvals},
    {"approve", Permission::approve},
    {"submit_approval", Permission::carry_approvals},
    {"list_approvers", Permission::read_approvals},
    {"add_approver", Permission::manage_approvers},
    {"remove_approver", Permission::manage_approvers},
    {"revoke_certificate", Permission::revoke},
    {"release_certificate", Permission::revoke},
    {"suspend_subject", Permission::revoke},
    {"resume_subject", Permission::revoke},
    {"off_board_subject", Permission::revoke},
    {"seal", Permission::seal},
    {"unseal", Permission::seal},
    {"activate_key", Permission::manage_keys},
    {"suspend_key", Permission::manage_keys},
    {"deactivate_key", Permission::manage_keys},
    {"destroy_key", Permission::manage_keys},
    {"keep_key", Permission::manage_keys},
    {"confirm_backup", Permission::manage_keys},
    {"get_ocsp", Permission::read_certificates},
    {"install_ca", Permission::create_ca},
    {"import_ca", Permission::create_ca},
    {"cross_certify", Permission::create_ca},
    {"retire_ca", Permission::create_ca},
    {"get_trust_bundle", Permission::read_certificates},
    {"get_crl", Permission::read_certificates},
    {"list_records", Permission::read_audit},
    {"get_checkpoint", Permission::read_audit},
    {"prove_record", Permission::read_audit},
    {"prove_consistency", Permission::read_audit},
    {"add_cosignature", Permission::cosign},
};

struct Fixture : test::SoftwareRoom {
  Fixture() { make_keys_and_ca(); }

  std::string code(const Peer& peer, std::string_view op, Json fields = Json::object()) {
    const Json reply = ask(peer, op, std::move(fields));
    return reply.contains("error") ? reply["error"]["code"].get<std::string>() : "ok";
  }

  std::vector<Json> audit_records() const {
    std::vector<Json> records;
    std::ifstream file(audit_file());
    for (std::string line; std::getline(file, line);) records.push_back(test::must(parse_json(line)));
    return records;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(dispatch, Fixture)

BOOST_AUTO_TEST_CASE(an_operation_without_its_permission_looks_like_one_that_does_not_exist) {
  for (const auto& [op, permission] : kOperations) {
    const Peer bare = peer(Role::admin, {});
    const Peer able = peer(Role::admin, {permission});
    std::string unknown = ask(bare, "unknown")["error"]["message"];
    unknown.replace(unknown.find("unknown"), 7, op);
    BOOST_TEST(ask(bare, op)["error"]["code"] == "forbidden", op);
    BOOST_TEST(ask(bare, op)["error"]["message"] == unknown, op);
    BOOST_TEST(code(able, op) != "forbidden", op);
  }
}

BOOST_AUTO_TEST_CASE(ceremony_verbs_exist_on_the_admin_socket_only) {
  for (const Role role : {Role::agent, Role::jws, Role::tls, Role::audit})
    for (const char* op :
         {"create_key", "create_ca", "set_subject", "load_policy", "approve", "add_approver", "remove_approver"})
      BOOST_TEST(code(peer(role), op) == "forbidden");
  BOOST_TEST(code(peer(Role::agent), "sign_jws") == "forbidden");
  BOOST_TEST(code(peer(Role::jws), "issue_certificate") == "forbidden");
  BOOST_TEST(code(peer(Role::audit), "list_keys") == "forbidden");
}

BOOST_AUTO_TEST_CASE(a_digest_is_signed_on_the_socket_of_gateways_only_and_nothing_else_is_signed_there) {
  for (const auto& [word, role] : kRoles) {
    const bool open = role == Role::tls;
    BOOST_TEST((code(peer(role), "sign_tls") != "forbidden") == open, word);
    BOOST_TEST((code(peer(role), "list_tls_keys") == "ok") == open, word);
  }
  for (const char* op : {"sign_jws", "sign_fspiop", "create_csr", "issue_certificate", "list_keys", "get_public_key"})
    BOOST_TEST(code(peer(Role::tls), op) == "forbidden", op);
}

BOOST_AUTO_TEST_CASE(every_refusal_is_recorded_with_who_asked) {
  const std::size_t before = audit_records().size();
  const Peer agent = peer(Role::agent);
  (void)dispatcher().handle(agent, "not json");
  (void)ask(agent, "create_ca");
  (void)ask(agent, "get_ca", {{"ca", "nobody"}});
  (void)dispatcher().refuse_line(agent, {Code::too_large, "line over 1 MiB"});
  const auto records = audit_records();
  BOOST_REQUIRE(records.size() == before + 4);
  const std::pair<const char*, const char*> expected[] = {{"undecodable", "bad_request"},
                                                          {"create_ca", "forbidden"},
                                                          {"get_ca", "not_found"},
                                                          {"undecodable", "too_large"}};
  for (std::size_t i = 0; i < 4; ++i) {
    BOOST_TEST(records[before + i]["event"] == expected[i].first);
    BOOST_TEST(records[before + i]["result"] == expected[i].second);
    BOOST_TEST(records[before + i]["peer"] == "agent");
    BOOST_TEST(records[before + i]["seq"] == before + i + 1);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_recorded_is_not_released) {
  const Peer admin = peer(Role::admin);
  BOOST_TEST(code(admin, "sign_jws", {{"key", "hub-jws"}, {"payload", "e30"}}) == "ok");
  // A disk without room, made of a limit on the size of files.
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit full{std::filesystem::file_size(audit_file()), old.rlim_max};
  BOOST_REQUIRE(::setrlimit(RLIMIT_FSIZE, &full) == 0);
  const Json jws = ask(admin, "sign_jws", {{"key", "hub-jws"}, {"payload", "e30"}});
  const std::string key = code(admin, "create_key", {{"label", "new"}, {"type", "ec_p256"}, {"use", "jws"}});
  const Json health = ask(admin, "health");
  ::setrlimit(RLIMIT_FSIZE, &old);
  BOOST_TEST(jws["error"]["code"] == "storage_unavailable");
  BOOST_TEST(!jws.contains("ok"));
  BOOST_TEST(key == "storage_unavailable");
  BOOST_TEST(health["ok"]["status"] == "degraded");
  BOOST_TEST(test::must(signer().list_keys()).size() == 2U);  // none was made that no record names
  BOOST_TEST(code(admin, "sign_jws", {{"key", "hub-jws"}, {"payload", "e30"}}) == "ok");
}

BOOST_AUTO_TEST_CASE(a_page_of_certificates_is_a_line_that_clients_read) {
  for (int i = 0; i < 520; ++i) {
    CertificateRecord intent{.ca = "hub-ca",
                             .serial = fmt::format("{:04x}", i),
                             .profile = "dfsp-client",
                             .subject = "bank1",
                             .peer = "agent",
                             .request = fmt::format("r-{}", i)};
    intent.key_id[0] = static_cast<std::uint8_t>(i);
    intent.key_id[1] = static_cast<std::uint8_t>(i >> 8);
    intent.key_core = intent.key_id;
    intent.content_hash = intent.tbs = {1};
    intent.distinguished_name = std::string(2500, 'x');
    test::must(registry().write([&](Database& database) { return certificate_table::reserve(database, intent); }));
  }
  const Peer admin = peer(Role::admin);
  Json fields = {{"subject", "bank1"}, {"limit", 500}};
  std::size_t seen = 0;
  for (bool more = true; more;) {
    const std::string line = dispatcher().handle(admin, wire::encode_request({"1", "list_certificates", fields}));
    BOOST_REQUIRE(line.size() < wire::kMaxLineBytes);
    const Json page = test::must(wire::decode_reply(line, "1"));
    seen += page["certificates"].size();
    more = page.contains("next");
    if (more) fields["after"] = page["next"];
  }
  BOOST_TEST(seen == 520U);
}

BOOST_AUTO_TEST_CASE(a_peer_is_told_the_profiles_that_it_may_have_certificates_of) {
  Peer agent = peer(Role::agent, {Permission::status, Permission::issue_certificate});
  PeerRule rule = *agent.rule;
  rule.profiles = {"hub-server", "hub-root", "nobody-has-it", "dfsp-client"};
  agent.rule = &rule;
  BOOST_TEST(ask(agent, "version")["ok"]["profiles"] == Json({"hub-server", "dfsp-client"}));
  rule.permissions = static_cast<unsigned>(Permission::status);
  BOOST_TEST(!ask(agent, "version")["ok"].contains("profiles"));
}

BOOST_AUTO_TEST_CASE(an_id_comes_back_and_a_line_without_one_gets_an_empty_one) {
  const Peer admin = peer(Role::admin);
  const Json reply = test::must(parse_json(dispatcher().handle(admin, R"({"v":1,"id":"r-81","op":"version"})")));
  BOOST_TEST(reply["id"] == "r-81");
  BOOST_TEST(test::must(parse_json(dispatcher().handle(admin, "{}")))["id"] == "");
}

BOOST_AUTO_TEST_SUITE_END()
