// Everything behind the sockets, on keys in memory. The first byte picks the peer, the rest is its line:
// the answer is one line of JSON, and no peer gets a CA certificate out of issue_certificate, a name that is not its
// participant's, or an approval. With the first bit of the first byte set, the rest is a request of an agent that has
// been taken over: participant, profile, size of the subject, then subject and attributes of a CSR, which is signed
// here because a fuzzer cannot sign. With the second bit set it is an OCSP question about our CA, which a fuzzer cannot
// name by its hashes: size of the serial (0: the CA's own), serial, then what follows the list of certificates. With
// the third bit set it is a vote that somebody's real key has signed: who is named, who signs, what is changed of the
// statement or the assertion, and to what.
//
// What the keys sign on the way is judged as well, whether or not it is released: signed.h.
#include <openssl/ocsp.h>

#include <nlohmann/json.hpp>

#include "common/x509/certificate.h"
#include "common/x509/csr.h"
#include "common/x509/der.h"
#include "common/x509/pem.h"
#include "daemon/register.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/shipped.h"
#include "tests/fuzz/signed.h"
#include "tests/fuzz/voters.h"
#include "tests/support/replace_in.h"
#include "tests/support/software_room.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using daemon::Role;

namespace {

const char* const kParticipants[] = {"bank1", "bank2", "mallory", "suspended", "new-one"};
const char* const kProfiles[] = {"dfsp-client", "dfsp-server", "hub-server", "jws", "test-root", "hub-root"};

struct Room : test::SoftwareRoom {
  // Certificates of profile "jws" need two people, and all peers here are one.
  Room()
      : SoftwareRoom([](const daemon::PolicyFiles& files) {
          test::must_replace_in(files.profiles_dir / "jws.toml", "approvals = 0", "approvals = 2");
        }) {
    must_be_done(room().start_checkpoints({}));
    make_keys_and_ca();
    const daemon::Peer admin = peer(Role::admin);
    int address = 0;
    for (const char* id : {"bank1", "bank2", "suspended"})
      MUST_HOLD(ask(admin, "set_subject",
                    {{"subject", id},
                     {"organization", std::string(id) + " plc"},
                     {"country", "KE"},
                     {"names",
                      {{"cn", {id, std::string(id) + ".example"}},
                       {"dns", {"a." + std::string(id) + ".example", "*.w." + std::string(id) + ".example"}},
                       {"ip", {"192.0.2." + std::to_string(++address)}}}}})
                    .contains("ok"));
    must_be_done(registry().write([](daemon::Database& database) {
      return daemon::Register::set_status(database, "suspended", daemon::SubjectStatus::suspended);
    }));
    for (std::size_t i = 0; i < voters.kNames.size(); ++i)
      MUST_HOLD(ask(admin, "add_approver", voters.registration(i)).contains("ok"));
    (void)signer().take_signed();  // from now on all is kept
    must_be_done(room().checkpoints().make());
  }
  static void must_be_done(const Result<>& result) { MUST_HOLD(result); }
  /// What the housekeeper does for hubseald: without it signing would end after minutes, and nothing be judged any
  /// more.
  void keep_house() { room().checkpoints().tick(); }

  const test::Voters voters;
};

/// What must be true of every certificate that is signed for a participant: it is of its profile, for the key of the
/// CSR, and the names are its participant's by the register.
void judge(Room& room, const Json& request, const x509::Certificate& certificate) {
  const auto csr = x509::Csr::parse(request["csr"].get<std::string>());
  MUST_HOLD(csr);
  MUST_HOLD(test::is_as_shipped(certificate, request["profile"].get<std::string>(), csr->spki()));
  const std::string id = request["subject"];
  MUST_HOLD(id != "suspended");
  const auto subject = certificate.subject_name();
  const auto names = certificate.names();
  MUST_HOLD(subject && names);
  const auto owned =
      room.registry().read([&](daemon::Database& database) { return daemon::name_table::list(database, id); });
  const auto entry =
      room.registry().read([&](daemon::Database& database) { return daemon::subject_table::find(database, id); });
  MUST_HOLD(owned && entry && *entry);
  ca::Participant participant{
      .id = id, .organization = (*entry)->organization, .country = (*entry)->country, .names = {}};
  participant.names.emplace();
  for (const daemon::NameRecord& name : *owned)
    if (name.state != daemon::NameState::withdrawn) participant.names->push_back(name.name);
  MUST_HOLD(!ca::beyond_register(participant, *subject, ca::claims_of(*subject, *names)));
}

/// Only what was issued is good: here the CA's own certificate, and what fuzzing has made of others.
void judge_answers(Room& room, OCSP_BASICRESP* basic) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* const one = OCSP_resp_get0(basic, i);
    if (OCSP_single_get0_status(one, nullptr, nullptr, nullptr, nullptr) != V_OCSP_CERTSTATUS_GOOD) continue;
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial, const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(one)));
    const auto number =
        x509::Serial::of({ASN1_STRING_get0_data(serial), ASN1_STRING_get0_data(serial) + ASN1_STRING_length(serial)});
    MUST_HOLD(number);
    const auto known = room.registry().read(
        [&](daemon::Database& database) { return daemon::certificate_table::find(database, "hub-ca", number->hex()); });
    MUST_HOLD(known && *known && (*known)->issued() && (*known)->revoked.empty());
  }
}

void judge_signed(Room& room, const wire::Request& request) {
  test::SignedJudge(
      room, [&](const x509::Certificate& certificate) { judge(room, request.fields, certificate); },
      [&](OCSP_BASICRESP* answer) { judge_answers(room, answer); })
      .judge(request);
}

/// One line of an agent that says what it likes.
std::string line_of(const std::uint8_t* data, std::size_t size) {
  static unsigned requests = 0;
  const PkeyPtr key = test::make_key(KeyType::ec_p256);  // a new one each time: a key is certified once
  const ByteView rest(data + 3, size - 3);
  const std::size_t split = std::min<std::size_t>(data[2], rest.size());
  const Bytes spki = spki_of(key.get()).value();
  const Bytes version = {0x02, 0x01, 0x00};
  const Bytes info = x509::der_value(0x30, {version, rest.first(split), spki, rest.subspan(split)});
  const Bytes raw = test::sign_with(key.get(), SignatureAlgorithm::ecdsa_sha256, info);
  const Bytes algorithm = from_hex("300a06082a8648ce3d040302").value();
  const Bytes csr = x509::close_shell(info, algorithm, ecdsa_raw_to_der(raw).value());
  return wire::encode_request({"1",
                               "issue_certificate",
                               {{"ca", "hub-ca"},
                                {"profile", kProfiles[data[1] % std::size(kProfiles)]},
                                {"subject", kParticipants[data[0] % std::size(kParticipants)]},
                                {"request", "r-" + std::to_string(++requests)},
                                {"csr", x509::pem_of_der(csr, "CERTIFICATE REQUEST")}}});
}

/// The approval that a new request of bank1 waits for. There is one more, a-1, so that lines may name it; what others
/// asked for is forgotten, so that the queue never fills.
std::string wait_for_consent(Room& room, const daemon::Peer& agent) {
  Room::must_be_done(room.registry().write([](daemon::Database& database) {
    return database.execute("DELETE FROM votes WHERE approval > 1; DELETE FROM approvals WHERE id > 1");
  }));
  constexpr std::uint8_t kAsked[] = {0, 3, 2, 0x30, 0x00, 0xa0, 0x00};  // bank1, profile jws, no name, no attributes
  const auto reply = parse_json(room.dispatcher().handle(agent, line_of(kAsked, sizeof kAsked)));
  MUST_HOLD(reply && (*reply)["error"]["code"] == "approval_required");
  return (*reply)["error"]["approval"];
}

/// A vote by a real key counts if its owner is named and it says nothing but the statement.
void vote(Room& room, const daemon::Peer& agent, const std::uint8_t* data, std::size_t size) {
  const std::size_t named = data[0] % 3, signer = data[1] % 3, what = data[2];
  const std::string to(text_of(data + 3, size - 3));
  const std::string id = wait_for_consent(room, agent);
  const auto shown = [&](const std::string& approval) {
    return room.ask(agent, "get_approval", {{"approval", approval}})["ok"];
  };
  const std::string statement = shown(id)["statement"];
  constexpr std::size_t kLines = 11;
  std::string changed = what < kLines ? test::with_line(statement, what, to) : statement;
  test::Voters::Assertion said;
  if (what == kLines) changed = shown("a-1")["statement"];
  if (what == kLines + 1) said.type = to;
  if (what == kLines + 2) said.origin = to;
  if (what == kLines + 3) said.rp_id = to;
  if (what == kLines + 4 && !to.empty()) said.flags = static_cast<std::uint8_t>(to.front() & ~0x18);  // backups may be
  if (!test::is_plain(said.type + said.origin + said.rp_id)) return;
  const bool good =
      named == signer && changed == statement && (signer != test::Voters::kPage || said == test::Voters::Assertion());

  Json fields = {{"approval", id}, {"approver", room.voters.kNames[named]}, {"decision", "approve"}};
  fields.update(room.voters.proof(signer, changed, said));
  MUST_HOLD(room.ask(agent, "submit_approval", fields).contains("ok") == good);
  MUST_HOLD(room.ask(agent, "submit_approval", fields).contains("error"));  // never twice
  const Json now = shown(id);
  MUST_HOLD(now["agreed"] == (good ? 1 : 0) && now["state"] == "pending");
  judge_signed(room, {});
}

x509::Certificate certificate_of_ca(Room& room) {
  const Json said = room.ask(room.peer(Role::admin), "get_ca", {{"ca", "hub-ca"}});
  return x509::Certificate::parse(said["ok"]["certificate"].get<std::string>()).value();
}

std::string ocsp_question(const x509::Certificate& ca, const std::uint8_t* data, std::size_t size) {
  static const Bytes sha1 = from_hex("300906052b0e03021a0500").value();
  const auto digest = [](ByteView of) {
    Bytes hash(20);
    EVP_Digest(of.data(), of.size(), hash.data(), nullptr, EVP_sha1(), nullptr);
    return x509::der_value(0x04, {hash});
  };
  const ByteView rest(data + 1, size - 1);
  const ByteView given = rest.first(std::min<std::size_t>(data[0], rest.size()));
  const ByteView after = rest.subspan(given.size());
  const Bytes own = [&] {
    Bytes magnitude = ca.serial().magnitude();
    if (magnitude.front() & 0x80) magnitude.insert(magnitude.begin(), 0);
    return magnitude;
  }();
  const ASN1_BIT_STRING* key = X509_get0_pubkey_bitstr(ca.openssl());
  const Bytes id = x509::der_value(
      0x30, {sha1, digest(ca.subject_der()), digest(ByteView(key->data, static_cast<std::size_t>(key->length))),
             x509::der_value(0x02, {given.empty() ? ByteView(own) : given})});
  const Bytes list = x509::der_value(0x30, {x509::der_value(0x30, {id})});
  const Bytes request = x509::der_value(0x30, {x509::der_value(0x30, {list, after})});
  return wire::encode_request({"1", "get_ocsp", {{"request", to_base64(request)}}});
}

void judge_response(Room& room, const std::string& response) {
  const Bytes der = from_base64(response).value();
  const unsigned char* next = der.data();
  const std::unique_ptr<OCSP_RESPONSE, Deleter<OCSP_RESPONSE_free>> read(
      d2i_OCSP_RESPONSE(nullptr, &next, static_cast<long>(der.size())));
  MUST_HOLD(read && next == der.data() + der.size());
  if (OCSP_response_status(read.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) return;
  const test::OcspBasic basic(OCSP_response_get1_basic(read.get()));
  MUST_HOLD(basic);
  judge_answers(room, basic.get());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Room room;
  static const daemon::Peer peers[] = {
      room.peer(Role::agent),     room.peer(Role::jws),     room.peer(Role::admin),     room.peer(Role::audit),
      room.peer(Role::agent, {}), room.peer(Role::jws, {}), room.peer(Role::admin, {}), room.peer(Role::audit, {}),
      room.peer(Role::tls),       room.peer(Role::tls, {}),
  };
  if (size == 0) return 0;
  static const x509::Certificate ca = certificate_of_ca(room);
  static const std::string standing = wait_for_consent(room, peers[0]);
  MUST_HOLD(standing == "a-1");
  room.keep_house();
  const bool signs_csrs = (data[0] & 0x80) != 0 && size >= 4;
  const bool asks_ocsp = !signs_csrs && (data[0] & 0x40) != 0 && size >= 2;
  if (!signs_csrs && !asks_ocsp && (data[0] & 0x20) != 0 && size >= 4) {
    static Room polls;  // which no line of another input has sealed, or robbed of its approvers
    static const daemon::Peer agent = polls.peer(Role::agent);
    static const std::string other = wait_for_consent(polls, agent);
    polls.keep_house();
    vote(polls, agent, data + 1, size - 1);
    return 0;
  }
  const daemon::Peer& peer = signs_csrs || asks_ocsp ? peers[0] : peers[data[0] % std::size(peers)];
  const std::string line = signs_csrs  ? line_of(data + 1, size - 1)
                           : asks_ocsp ? ocsp_question(ca, data + 1, size - 1)
                                       : std::string(text_of(data + 1, size - 1));
  const auto request = wire::decode_request(line);
  // An RSA key takes a second to make, and says nothing here.
  if (line.find("rsa_") != std::string::npos) return 0;

  const std::string answer = room.dispatcher().handle(peer, line);
  judge_signed(room, request.value_or(wire::Request()));
  MUST_HOLD(answer.find('\n') == std::string::npos);
  const auto reply = parse_json(answer, {.max_depth = 10, .max_members = 4096});
  MUST_HOLD(reply && (reply->contains("ok") != reply->contains("error")));
  if (reply->contains("error")) {
    MUST_HOLD((*reply)["error"]["code"] != "internal");
    return 0;
  }
  MUST_HOLD(request && peer.rule->permissions != 0);
  // Lines are signed by nobody: a fuzzer can carry what it likes, and agrees to nothing.
  MUST_HOLD(request->op != "submit_approval");
  if (request->op == "issue_certificate") MUST_HOLD(request->fields["profile"] != "jws");
  const Json& said = (*reply)["ok"];
  if (request->op == "get_ocsp") judge_response(room, said["response"]);
  if (request->op == "create_csr" || request->op == "csr_for_key")
    MUST_HOLD(x509::Csr::parse(said["csr"].get<std::string>()).value().verify_own_signature());
  if (request->op == "issue_certificate")
    judge(room, request->fields, x509::Certificate::parse(said["certificate"].get<std::string>()).value());
  return 0;
}
