// docs/PROTOCOL.md against the code: every request that it shows is given to the daemon's own
// dispatcher and must be granted, every reply that it shows must have the members of the real one,
// and its sections, permissions and error codes are those of the tables in the sources.
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <openssl/pem.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/exit_code.h"
#include "common/wire/message.h"
#include "common/x509/csr.h"
#include "tests/support/must.h"
#include "tests/support/outside_root.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"
#include "tests/support/witness.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

std::string read_text(const char* path) {
  std::ifstream file(path);
  BOOST_REQUIRE_MESSAGE(file, path << " cannot be read; the test runs in the root of the sources");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// One "### name" section of PROTOCOL.md, "Operations".
struct Section {
  std::string name;
  std::string permission;
  Json request;
  Json reply;  ///< null where none is shown
};

std::vector<Section> sections() {
  std::vector<Section> found;
  bool operations = false;
  for (const std::string& line : lines_of(read_text("docs/PROTOCOL.md"))) {
    if (line.starts_with("## ")) operations = line == "## Operations";
    if (!operations) continue;
    if (line.starts_with("### ")) found.push_back({line.substr(4), "", nullptr, nullptr});
    if (found.empty()) continue;
    std::smatch match;
    if (found.back().permission.empty() && std::regex_search(line, match, std::regex("^Permission `([a-z_]+)`")))
      found.back().permission = match[1];
    if (line.starts_with("-> ")) found.back().request = test::must(parse_json(line.substr(3)));
    if (line.starts_with("<- ")) found.back().reply = test::must(parse_json(line.substr(3)));
  }
  return found;
}

/// name -> permission, as the table of operations in the source has them.
std::map<std::string, std::string> table_rows() {
  std::map<std::string, std::string> rows;
  const std::string source = read_text("daemon/dispatch.cpp");
  const std::regex row("Operation\\{\"([a-z_]+)\", Permission::([a-z_]+)");
  for (std::sregex_iterator match(source.begin(), source.end(), row), end; match != end; ++match)
    rows[(*match)[1]] = (*match)[2];
  return rows;
}

/// A CSR as PEM, of a key of its own.
std::string make_csr() {
  const PkeyPtr key = test::make_key(KeyType::ec_p256);
  std::unique_ptr<X509_REQ, decltype(&X509_REQ_free)> csr(X509_REQ_new(), &X509_REQ_free);
  BOOST_REQUIRE(X509_REQ_set_pubkey(csr.get(), key.get()) == 1);
  BOOST_REQUIRE(X509_REQ_sign(csr.get(), key.get(), EVP_sha256()) > 0);
  std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  BOOST_REQUIRE(PEM_write_bio_X509_REQ(out.get(), csr.get()) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

/// Everything behind the sockets, asked as the security team asks. Certificates of profile "jws" need two
/// approvals.
class Daemon {
 public:
  Daemon()
      : room_([](const PolicyFiles& files) {
          test::must_replace_in(files.profiles_dir / "jws.toml", "approvals = 0", "approvals = 2");
        }) {
    rule_.name = "security-team";
    rule_.role = Role::admin;
    for (const auto& [word, permission] : kPermissions) rule_.permissions |= static_cast<unsigned>(permission);
    rule_.profiles = {"dfsp-client", "dfsp-server", "hub-server", "jws"};
    rule_.keys = {"hub-jws", "hub-client-*"};
    rule_.sources = {"hub"};
    rule_.messages = {daemon::MessageRule::parse("PUT /quotes/*").value()};
    gateway_ = rule_;
    gateway_.role = Role::tls;
    test::must(
        room_.room().start_checkpoints({.witnesses = {test::must(audit::Witness::parse(witness_.verifier_key()))}}));
  }

  /// The checkpoint that the examples take for granted, of more than one record.
  std::string cosigned_checkpoint() {
    test::must(room_.room().audit().record(Json{{"event", "example"}}));
    test::must(room_.room().checkpoints().make());
    return witness_.cosign(test::must(room_.room().checkpoints().latest()).note, 1764150000);
  }

  Json ask(const Json& request, uid_t uid = 1000) {
    const bool of_gateways = request["op"] == "sign_tls" || request["op"] == "list_tls_keys";
    const Peer peer{of_gateways ? &gateway_ : &rule_, {.pid = 1, .uid = uid, .gids = {1000}}};
    return test::must(parse_json(room_.dispatcher().handle(peer, dump_json(request)), {.max_members = 1024}));
  }

  /// A second root of the first one's name, a CA that waits for its certificate, and a key that nobody registered.
  void make_other_cas() {
    const Json subject = {{"common_name", "Example Hub Root CA"}, {"organization", "Example Hub"}, {"country", "KE"}};
    for (const auto& [name, form] : {std::pair{"hub-ca-2", "root"}, std::pair{"hub-sub", "csr"}}) {
      BOOST_REQUIRE(
          ask({{"v", 1}, {"id", "1"}, {"op", "create_key"}, {"label", name}, {"type", "rsa_4096"}, {"use", "ca"}})
              .contains("ok"));
      const Json made = ask({{"v", 1},
                             {"id", "1"},
                             {"op", "create_ca"},
                             {"ca", name},
                             {"key", name},
                             {"profile", "hub-root"},
                             {"subject", subject},
                             {"form", form}});
      BOOST_REQUIRE(made.contains("ok"));
      if (made["ok"].contains("csr")) csr_ = made["ok"]["csr"];
    }
    legacy_ = test::must(room_.signer().generate_key(KeyType::rsa_4096, "legacy")).spki;
  }

  /// What an outside root has made of them.
  void fill_in_outside(Json& request) const {
    if (request["op"] == "install_ca")
      request["certificate"] = outside_.certify(test::must(x509::Csr::parse(csr_)).spki(), csr_);
    if (request["op"] == "import_ca") request["certificate"] = outside_.certify(legacy_);
    if (request.contains("chain")) request["chain"] = outside_.pem();
  }

 private:
  const test::OutsideRoot outside_;
  std::string csr_;
  Bytes legacy_;
  const test::Witness witness_{"regulator.example"};
  test::SoftwareRoom room_;
  PeerRule rule_;
  PeerRule gateway_;  ///< the same on tls.sock, which alone has its operations
};

/// What the examples about approvals take for granted: two further approvers, of whom bob is who asks, and a
/// request that somebody else has made.
class Approval {
 public:
  void ask_for_it(Daemon& daemon) {
    for (const auto& [name, uid] : {std::pair{"bob", 1000}, std::pair{"carol", 1002}})
      BOOST_REQUIRE(daemon
                        .ask({{"v", 1},
                              {"id", "1"},
                              {"op", "add_approver"},
                              {"name", name},
                              {"person", name},
                              {"kind", "uid"},
                              {"uid", uid}})
                        .contains("ok"));
    const Json waiting = daemon.ask({{"v", 1},
                                     {"id", "1"},
                                     {"op", "issue_certificate"},
                                     {"ca", "hub-ca"},
                                     {"profile", "jws"},
                                     {"subject", "bank1"},
                                     {"request", "jws-1"},
                                     {"csr", make_csr()}},
                                    1003);
    BOOST_REQUIRE(waiting.contains("error"));
    id_ = waiting["error"]["approval"];
  }

  /// Puts what is real in the place of what is shown.
  void fill_in(Daemon& daemon, Json& request) const {
    if (request.contains("approval")) request["approval"] = id_;
    if (request.contains("public_key")) request["public_key"] = test::must(public_key_pem(key_.get()));
    if (!request.contains("signature")) return;
    const Json shown = daemon.ask({{"v", 1}, {"id", "1"}, {"op", "get_approval"}, {"approval", id_}});
    const std::string statement = shown["ok"]["statement"];
    const Bytes raw = test::sign_with(key_.get(), SignatureAlgorithm::ecdsa_sha256, as_bytes(statement));
    request["signature"] = to_base64(test::must(ecdsa_raw_to_der(raw)));
  }

 private:
  const PkeyPtr key_ = test::make_key(KeyType::ec_p256);  // of alice-card
  std::string id_;
};

/// The members of an object, and of the objects within, as paths; a list is looked at by its first item.
void collect_members(const Json& value, const std::string& path, std::set<std::string>& members) {
  if (value.is_array() && !value.empty()) collect_members(value.front(), path + "[]", members);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.items()) {
    members.insert(path + "." + name);
    collect_members(member, path + "." + name, members);
  }
}

std::set<std::string> members_of(const Json& reply) {
  std::set<std::string> members;
  collect_members(reply, "", members);
  return members;
}

std::string join(const std::set<std::string>& words) { return fmt::format("{}", fmt::join(words, " ")); }

}  // namespace

BOOST_AUTO_TEST_SUITE(protocol_examples)

BOOST_AUTO_TEST_CASE(every_operation_has_a_section_and_every_section_an_operation) {
  const auto rows = table_rows();
  BOOST_REQUIRE(rows.size() >= 12);
  std::map<std::string, std::string> documented;
  for (const Section& section : sections()) documented[section.name] = section.permission;
  for (const auto& [name, permission] : rows)
    BOOST_CHECK_MESSAGE(documented.contains(name) && documented[name] == permission,
                        "daemon/dispatch.cpp has " << name << " with permission " << permission
                                                   << "; PROTOCOL.md has: " << documented[name]);
  for (const auto& [name, permission] : documented)
    BOOST_CHECK_MESSAGE(rows.contains(name),
                        "PROTOCOL.md has " << name << ", which daemon/dispatch.cpp does not offer");
}

BOOST_AUTO_TEST_CASE(the_codec_takes_every_request_and_reply_that_is_shown) {
  int requests = 0;
  for (std::string line : lines_of(read_text("docs/PROTOCOL.md"))) {
    if (!line.starts_with("-> ") && !line.starts_with("<- ")) continue;
    const bool request = line.starts_with("->");
    // The envelope is shown shortened.
    line = std::regex_replace(line.substr(3), std::regex(", \\.\\.\\.\\}$"), "}");
    line = std::regex_replace(line, std::regex("\\{\\.\\.\\.\\}"), "{}");
    if (request) {
      const auto decoded = wire::decode_request(line);
      BOOST_CHECK_MESSAGE(decoded, line << ": " << (decoded ? "" : decoded.error().message));
      ++requests;
      continue;
    }
    const Json reply = test::must(parse_json(line));
    const auto decoded = wire::decode_reply(line, reply["id"].get<std::string>());
    BOOST_CHECK_MESSAGE(decoded || decoded.error().message == "...", line);
  }
  BOOST_TEST(requests >= 13);
}

BOOST_AUTO_TEST_CASE(every_request_is_granted_and_every_reply_has_the_members_that_are_shown) {
  Daemon daemon;
  // What the examples take for granted beyond what they make themselves.
  BOOST_REQUIRE(
      daemon
          .ask({{"v", 1}, {"id", "1"}, {"op", "create_key"}, {"label", "hub-jws"}, {"type", "ec_p256"}, {"use", "jws"}})
          .contains("ok"));
  BOOST_REQUIRE(daemon
                    .ask({{"v", 1},
                          {"id", "1"},
                          {"op", "create_key"},
                          {"label", "hub-jws-2"},
                          {"type", "ec_p256"},
                          {"use", "jws"},
                          {"state", "pre_activation"},
                          {"backup_required", true}})
                    .contains("ok"));
  BOOST_REQUIRE(daemon
                    .ask({{"v", 1},
                          {"id", "1"},
                          {"op", "create_key"},
                          {"label", "hub-notes"},
                          {"type", "ec_p256"},
                          {"use", "jws"}})
                    .contains("ok"));
  BOOST_REQUIRE(
      daemon.ask({{"v", 1}, {"id", "1"}, {"op", "rotate_jws_key"}, {"key", "hub-notes"}, {"activate_hours", 48}})
          .contains("ok"));
  BOOST_REQUIRE(daemon
                    .ask({{"v", 1},
                          {"id", "1"},
                          {"op", "set_subject"},
                          {"subject", "bank2"},
                          {"organization", "Bank Two"},
                          {"country", "KE"},
                          {"names", Json::object()}})
                    .contains("ok"));
  std::vector<Section> examples = sections();
  // Making comes before showing.
  const auto order = [](const Section& section) {
    const std::vector<std::string> first = {
        "create_key",      "rotate_jws_key",  "list_rotations",     "advance_rotation",
        "create_ca",       "set_subject",     "issue_certificate",  "add_approver",
        "approve",         "submit_approval", "revoke_certificate", "release_certificate",
        "suspend_subject", "resume_subject",  "off_board_subject",  "seal",
        "unseal",          "confirm_backup",  "activate_key",       "suspend_key",
        "deactivate_key",  "destroy_key",     "keep_key",           "install_ca",
        "import_ca",       "cross_certify",   "retire_ca"};
    return std::find(first.begin(), first.end(), section.name) - first.begin();
  };
  std::stable_sort(examples.begin(), examples.end(),
                   [&](const Section& a, const Section& b) { return order(a) < order(b); });
  std::string serial;
  Approval approval;
  const std::string cosigned = daemon.cosigned_checkpoint();
  for (Section& example : examples) {
    BOOST_TEST_CONTEXT("PROTOCOL.md, " << example.name) {
      BOOST_REQUIRE(example.request.is_object());
      BOOST_TEST(example.request["op"] == example.name);
      if (example.request.contains("csr")) example.request["csr"] = make_csr();
      if (example.request.contains("note")) example.request["note"] = cosigned;
      if (example.request.contains("serial")) example.request["serial"] = serial;
      daemon.fill_in_outside(example.request);
      approval.fill_in(daemon, example.request);
      const Json reply = daemon.ask(example.request);
      BOOST_REQUIRE_MESSAGE(reply.contains("ok"), dump_json(reply));
      if (!example.reply.is_null()) BOOST_TEST(join(members_of(reply)) == join(members_of(example.reply)));
      if (example.name == "create_ca") daemon.make_other_cas();
      if (example.name == "issue_certificate") {
        serial = reply["ok"]["serial"];
        // Two more, so that a page of two has a page after it.
        for (const char* request : {"enrollment-8", "enrollment-9"}) {
          example.request["request"] = request;
          example.request["csr"] = make_csr();
          BOOST_REQUIRE(daemon.ask(example.request).contains("ok"));
        }
        approval.ask_for_it(daemon);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_member_that_no_section_names_is_refused) {
  Daemon daemon;
  for (const Section& section : sections()) {
    Json request = section.request;
    request["colour"] = "red";
    const Json reply = daemon.ask(request);
    BOOST_TEST_CONTEXT(section.name << ": " << dump_json(reply)) {
      BOOST_REQUIRE(reply.contains("error"));
      BOOST_TEST(reply["error"]["code"] == "bad_request");
    }
  }
}

BOOST_AUTO_TEST_CASE(the_table_of_errors_is_that_of_the_code) {
  std::map<std::string, int> documented;
  const std::regex row("^\\| `([a-z_]+)` \\| .* \\| ([0-9]) \\|$");
  for (const std::string& line : lines_of(read_text("docs/PROTOCOL.md")))
    if (std::smatch match; std::regex_match(line, match, row)) documented[match[1]] = std::stoi(match[2]);
  std::map<std::string, int> real;
  for (int value = 0; value <= static_cast<int>(Code::internal); ++value)
    real[std::string(to_string(static_cast<Code>(value)))] = static_cast<int>(exit_code_of(static_cast<Code>(value)));
  BOOST_TEST((documented == real),
             fmt::format("PROTOCOL.md has {} codes, the source {}", documented.size(), real.size()));
}

BOOST_AUTO_TEST_SUITE_END()
