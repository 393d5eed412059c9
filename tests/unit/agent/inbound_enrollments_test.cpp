#include "agent/service/inbound_enrollments.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/service/dfsps.h"
#include "agent/service/revocations.h"
#include "agent/service/signing_daemon.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

/// One DFSP, "bank1", and a daemon whose answer the test sets.
struct Bench {
  Bench() {
    BOOST_REQUIRE(dfsps.add(caller, {.id = "bank1", .name = "Bank One"}).has_value());
    BOOST_REQUIRE(dfsps.add(caller, {.id = "bank2", .name = "Bank Two"}).has_value());
  }

  Result<Json> script(const wire::Request& request) {
    if (request.op == "get_approval")
      return Json{{"state", approval_state}, {"needed", 2}, {"expires_at", "2026-11-27T09:00:00Z"}};
    if (refusal == Code::approval_required)
      return tl::unexpected(Error{.code = *refusal, .message = "waits", .approval = "a-17"});
    if (refusal) return fail(*refusal, "the daemon's words");
    const std::string asked = request.fields["csr"].get<std::string>();
    auto issued_for = issued.lock();
    Json& answer = (*issued_for)[request.fields["request"].get<std::string>()];
    if (answer.is_null())
      answer = {{"certificate", make_certificate(folder, certified_csr.value_or(asked))}, {"serial", "00"}};
    answer["state"] = issued_state;
    return answer;
  }

  /// `count` CSRs for as many keys.
  std::vector<std::string> different_csrs(int count) {
    std::vector<std::string> csrs;
    for (int i = 0; i < count; ++i)
      csrs.push_back(make_csr(folder, words("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /")));
    return csrs;
  }

  /// Rows that no CSR stands behind, numbered from `first` on.
  void fill(const std::string& dfsp_id, int first, int count) {
    for (int i = first; i < first + count; ++i)
      table.add(row(dfsp_id), "a CSR " + std::to_string(i), clock.now()).value();
  }

  store::InboundEnrollment row(const std::string& dfsp_id) {
    store::InboundEnrollment enrollment;
    enrollment.dfsp_id = dfsp_id;
    enrollment.csr_info_json = "{}";
    enrollment.validations_json = "[]";
    enrollment.validation_state = "INVALID";
    return enrollment;
  }

  void mark_signed(std::int64_t id) {
    store::InboundEnrollment enrollment = table.find("bank1", id).value().value();
    enrollment.certificate = "a certificate";
    enrollment.cert_info_json = "{}";
    table.store_certificate(enrollment, clock.now()).value();
  }

  std::int64_t submit(const std::string& text) { return enrollments.submit(caller, "bank1", text).value().id; }

  TempFolder folder;
  std::optional<Code> refusal;
  std::string issued_state = "issued";
  std::string approval_state = "pending";
  std::optional<std::string> certified_csr;  // the daemon certifies this one instead
  Guarded<std::map<std::string, Json>> issued;
  ScriptedDaemon scripted{folder / "sock", [this](const wire::Request& request) { return script(request); }};
  SystemClock clock;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable dfsp_table{*database};
  store::InboundEnrollmentTable table{*database};
  wire::DaemonClient client{scripted.socket_path(), std::chrono::seconds(20)};
  SigningDaemon daemon{client};
  Dfsps dfsps{dfsp_table, clock};
  Revocations revocations{[] { return std::vector<Bytes>(); }};
  InboundEnrollments enrollments{table, daemon, revocations, clock, {"hub-ca", "dfsp-client", {2048}}};
  Caller caller{"c0ffee"};
  std::string csr = make_csr(folder, words("-newkey rsa:2048 -subj /"));
};

template <class Work>
void in_parallel(int times, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < times; ++i) threads.emplace_back([&work, i] { work(i); });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(inbound_enrollments)

BOOST_FIXTURE_TEST_CASE(the_first_enrollment_is_number_two_and_the_csr_comes_back_byte_for_byte, Bench) {
  const std::string odd = "\r\n" + csr;
  const auto enrollment = enrollments.submit(caller, "bank1", odd).value();
  BOOST_TEST(enrollment.id == 2);
  BOOST_TEST(enrollment.state == "CSR_LOADED");
  BOOST_TEST(enrollment.csr == odd);
  BOOST_TEST(enrollments.get("bank1", 2).value().csr == odd);
}

BOOST_FIXTURE_TEST_CASE(the_same_csr_is_the_same_enrollment_until_it_is_signed, Bench) {
  const auto first = submit(csr);
  BOOST_TEST(submit(csr) == first);
  BOOST_TEST(submit(csr + "\n") == first);
  BOOST_TEST(enrollments.submit(caller, "bank2", csr).value().id != first);
  BOOST_REQUIRE(enrollments.sign(caller, "bank1", first).has_value());
  BOOST_TEST(submit(csr) != first);
}

BOOST_FIXTURE_TEST_CASE(white_space_makes_no_other_csr_and_is_not_kept, Bench) {
  const std::string padded = std::string(20000, '\n') + csr;
  const auto first = enrollments.submit(caller, "bank1", padded).value();
  BOOST_TEST(first.csr == csr);
  std::string with_crlf;
  std::string on_one_line;
  std::istringstream lines(csr);
  for (std::string line; std::getline(lines, line);) {
    with_crlf += line + "\r\n";
    on_one_line += line;
  }
  for (const std::string& text : {csr, with_crlf, on_one_line, csr.substr(0, csr.size() - 1), " " + csr, padded})
    BOOST_TEST(submit(text) == first.id);
  BOOST_TEST(enrollments.list("bank1", std::nullopt).value().size() == 1u);
  for (const std::string& text : {csr, with_crlf, on_one_line, csr.substr(0, csr.size() - 1)}) {
    const std::string id = "bank-" + std::to_string(dfsps.list({"c0ffee"}).value().size());
    BOOST_REQUIRE(dfsps.add(caller, {.id = id, .name = "x"}).has_value());
    BOOST_TEST(enrollments.submit(caller, id, text).value().csr == text);
  }
}

BOOST_FIXTURE_TEST_CASE(a_dfsp_may_have_100_enrollments_that_wait, Bench) {
  fill("bank1", 0, 99);
  const auto last = submit(csr);
  const std::string other = make_csr(folder, words("-newkey rsa:2048 -subj /"));
  const auto refused = enrollments.submit(caller, "bank1", other);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(refused.error().message.find("bank1 has 100 enrollments that wait for a certificate; wanted fewer than "
                                          "100. Have some of them signed") != std::string::npos);
  BOOST_TEST(submit(csr) == last);
  BOOST_TEST(enrollments.submit(caller, "bank2", other).has_value());
  BOOST_REQUIRE(enrollments.sign(caller, "bank1", last).has_value());
  BOOST_TEST(submit(other) == last + 2);
}

BOOST_FIXTURE_TEST_CASE(a_list_holds_all_that_wait_and_the_newest_that_are_signed, Bench) {
  fill("bank1", 0, 2);  // 2 and 3: the oldest, and never signed
  for (int turn = 0; turn < 5; ++turn) {
    fill("bank1", 1000 * (turn + 1), 50);
    for (std::int64_t id = 4 + 50 * turn; id < 54 + 50 * turn; ++id) mark_signed(id);
  }
  const auto listed = enrollments.list("bank1", std::nullopt).value();
  std::set<std::int64_t> ids;
  for (const auto& enrollment : listed) ids.insert(enrollment.id);
  BOOST_TEST(listed.size() == 200u);
  BOOST_TEST(ids.contains(2));
  BOOST_TEST(ids.contains(3));
  BOOST_TEST(!ids.contains(55));  // 56 to 253 are the newest 198
  BOOST_TEST(ids.contains(56));
  BOOST_TEST(enrollments.list("bank1", "CERT_SIGNED").value().size() == 200u);
  BOOST_TEST(enrollments.list("bank1", "CSR_LOADED").value().size() == 2u);
  BOOST_TEST(enrollments.get("bank1", 4).value().state == "CERT_SIGNED");
}

BOOST_FIXTURE_TEST_CASE(pieces_of_a_list_begin_with_the_newest_that_wait_and_go_on_with_the_newest_that_are_signed,
                        Bench) {
  fill("bank1", 0, 6);  // 2 to 7
  for (const std::int64_t id : {2, 5, 7}) mark_signed(id);
  const auto piece = [&](std::optional<std::string_view> state, store::Page page) {
    std::string ids;
    const auto listed = enrollments.list("bank1", state, page).value();
    for (const auto& enrollment : listed) ids += std::to_string(enrollment.id) + " ";
    return ids;
  };
  BOOST_TEST(piece(std::nullopt, {.offset = 0, .limit = 2}) == "4 6 ");
  BOOST_TEST(piece(std::nullopt, {.offset = 2, .limit = 2}) == "3 7 ");
  BOOST_TEST(piece(std::nullopt, {.offset = 4, .limit = 2}) == "2 5 ");
  BOOST_TEST(piece("CERT_SIGNED", {.offset = 1, .limit = 2}) == "2 5 ");
  BOOST_TEST(piece("CSR_LOADED", {.offset = 2, .limit = 2}) == "3 ");
}

BOOST_FIXTURE_TEST_CASE(equal_requests_at_the_same_moment_give_one_enrollment, Bench) {
  std::vector<std::int64_t> ids(16);
  in_parallel(16,
              [&](int i) { ids[static_cast<std::size_t>(i)] = enrollments.submit(caller, "bank1", csr).value().id; });
  BOOST_TEST(std::all_of(ids.begin(), ids.end(), [&](auto id) { return id == ids.front(); }));
  BOOST_TEST(enrollments.list("bank1", std::nullopt).value().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(different_requests_at_the_same_moment_get_numbers_of_their_own, Bench) {
  const auto csrs = different_csrs(16);
  in_parallel(16, [&](int i) { enrollments.submit(caller, "bank1", csrs[static_cast<std::size_t>(i)]).value(); });
  std::set<std::int64_t> ids;
  const auto all = enrollments.list("bank1", std::nullopt).value();
  for (const auto& enrollment : all) ids.insert(enrollment.id);
  BOOST_TEST(ids.size() == 16u);
  BOOST_TEST(*ids.begin() == 2);
  BOOST_TEST(*ids.rbegin() == 17);
}

BOOST_FIXTURE_TEST_CASE(signing_asks_the_daemon_and_stores_what_it_gives, Bench) {
  const auto id = submit(csr);
  const auto enrollment = enrollments.sign(caller, "bank1", id).value();
  BOOST_TEST(enrollment.state == "CERT_SIGNED");
  BOOST_TEST(enrollment.certificate.value() + "\n" == slurp(folder / "out.pem"));
  BOOST_TEST(Json::parse(*enrollment.cert_info_json)["publicKeyLength"] == 2048);
  BOOST_TEST(enrollment.validation_state == "VALID");
  const Json fields = scripted.requests().at(0).fields;
  BOOST_TEST(fields["ca"] == "hub-ca");
  BOOST_TEST(fields["profile"] == "dfsp-client");
  BOOST_TEST(fields["subject"] == "bank1");
  BOOST_TEST(fields["request"].get<std::string>().starts_with("enrollment-2-"));
  BOOST_TEST(fields["csr"] == csr);
}

BOOST_FIXTURE_TEST_CASE(signing_again_returns_the_same_certificate_without_asking, Bench) {
  const auto id = submit(csr);
  const auto first = enrollments.sign(caller, "bank1", id).value();
  BOOST_TEST(enrollments.sign(caller, "bank1", id).value().certificate.value() == first.certificate.value());
  BOOST_TEST(scripted.requests().size() == 1u);
}

BOOST_FIXTURE_TEST_CASE(signing_at_the_same_moment_uses_one_request_id_and_gives_one_certificate, Bench) {
  const auto id = submit(csr);
  std::vector<std::string> certificates(8);
  in_parallel(8, [&](int i) {
    certificates[static_cast<std::size_t>(i)] = enrollments.sign(caller, "bank1", id).value().certificate.value();
  });
  for (const std::string& certificate : certificates) BOOST_TEST(certificate == certificates.front());
  for (const wire::Request& request : scripted.requests())
    BOOST_TEST(request.fields["request"] == scripted.requests().front().fields["request"]);
}

BOOST_FIXTURE_TEST_CASE(a_failed_signing_is_repeated_under_the_same_request_id, Bench) {
  const auto id = submit(csr);
  refusal = Code::hsm_busy;
  BOOST_TEST((enrollments.sign(caller, "bank1", id).error().code == Code::hsm_busy));
  BOOST_TEST(enrollments.get("bank1", id).value().state == "CSR_LOADED");
  refusal.reset();
  BOOST_TEST(enrollments.sign(caller, "bank1", id).value().state == "CERT_SIGNED");
  const auto requests = scripted.requests();
  BOOST_REQUIRE(requests.size() == 2u);
  BOOST_TEST(requests[0].fields["request"] == requests[1].fields["request"]);
}

BOOST_FIXTURE_TEST_CASE(the_daemons_refusals_keep_their_codes_except_those_that_are_our_fault, Bench) {
  const auto id = submit(csr);
  const std::pair<Code, Code> codes[] = {{Code::policy_denied, Code::policy_denied},
                                         {Code::bad_request, Code::bad_request},
                                         {Code::conflict, Code::conflict},
                                         {Code::not_found, Code::conflict},  // the CA, which agent.toml names
                                         {Code::rate_limited, Code::rate_limited},
                                         {Code::hsm_unavailable, Code::hsm_unavailable},
                                         {Code::storage_unavailable, Code::storage_unavailable},
                                         {Code::internal, Code::internal},
                                         {Code::forbidden, Code::internal}};
  for (const auto& [said, expected] : codes) {
    refusal = said;
    BOOST_TEST((enrollments.sign(caller, "bank1", id).error().code == expected), to_string(said));
  }
}

BOOST_FIXTURE_TEST_CASE(what_waits_for_approval_stays_as_it_is, Bench) {
  const auto id = submit(csr);
  refusal = Code::approval_required;
  const auto waiting = enrollments.sign(caller, "bank1", id).value();
  BOOST_TEST(waiting.state == "CSR_LOADED");
  BOOST_TEST(waiting.approval_json.value() == R"({"id":"a-17","needed":2,"expires":"2026-11-27T09:00:00Z"})");
  BOOST_TEST(enrollments.get("bank1", id).value().approval_json.value() == *waiting.approval_json);
  BOOST_TEST(enrollments.follow_up(caller, "bank1", id).value().state == "CSR_LOADED");
}

BOOST_FIXTURE_TEST_CASE(what_is_approved_is_signed_when_somebody_looks, Bench) {
  const auto id = submit(csr);
  refusal = Code::approval_required;
  enrollments.sign(caller, "bank1", id).value();
  refusal.reset();
  for (const char* state : {"pending", "rejected", "expired"}) {
    approval_state = state;
    BOOST_TEST(enrollments.follow_up(caller, "bank1", id).value().state == "CSR_LOADED", state);
  }
  approval_state = "approved";
  BOOST_TEST(enrollments.follow_up(caller, "bank1", id).value().state == "CERT_SIGNED");
  BOOST_TEST(enrollments.follow_up(caller, "bank1", id).value().state == "CERT_SIGNED");
}

BOOST_FIXTURE_TEST_CASE(an_invalid_csr_is_stored_and_never_reaches_the_daemon, Bench) {
  const auto weak = enrollments.submit(caller, "bank1", make_csr(folder, words("-newkey rsa:1024 -subj /"))).value();
  BOOST_TEST(weak.validation_state == "INVALID");
  const auto refused = enrollments.sign(caller, "bank1", weak.id);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message.find("1024 bits; wanted at least 2048") != std::string::npos);
  BOOST_TEST(scripted.requests().empty());
}

BOOST_FIXTURE_TEST_CASE(a_certificate_for_another_key_is_not_stored, Bench) {
  const auto id = submit(csr);
  certified_csr = make_csr(folder, words("-newkey rsa:2048 -subj /"));
  BOOST_TEST((enrollments.sign(caller, "bank1", id).error().code == Code::internal));
  BOOST_TEST(enrollments.get("bank1", id).value().state == "CSR_LOADED");
}

BOOST_FIXTURE_TEST_CASE(a_certificate_that_comes_back_revoked_or_on_hold_is_not_stored, Bench) {
  const auto id = submit(csr);
  for (const auto& [by_now, words] :
       {std::pair{"revoked", "is revoked by now; wanted another request, for another key"},
        {"on_hold", "is on hold; wanted it released"},
        {"a word of later days", "is a word of later days by now"}}) {
    issued_state = by_now;
    const auto refused = enrollments.sign(caller, "bank1", id);
    BOOST_REQUIRE(!refused);
    BOOST_TEST((refused.error().code == Code::policy_denied));
    BOOST_TEST(refused.error().message.find(words) != std::string::npos, refused.error().message);
    BOOST_TEST(enrollments.get("bank1", id).value().state == "CSR_LOADED");
    BOOST_TEST(!enrollments.get("bank1", id).value().certificate);
  }
  issued_state = "issued";
  BOOST_TEST(enrollments.sign(caller, "bank1", id).value().state == "CERT_SIGNED");
}

BOOST_FIXTURE_TEST_CASE(an_enrollment_is_found_only_under_its_own_dfsp, Bench) {
  const auto id = submit(csr);
  BOOST_TEST((enrollments.get("bank2", id).error().code == Code::not_found));
  BOOST_TEST((enrollments.sign(caller, "bank2", id).error().code == Code::not_found));
  BOOST_TEST(enrollments.list("bank2", std::nullopt).value().empty());
}

BOOST_FIXTURE_TEST_CASE(lists_are_filtered_by_state_and_ordered_by_the_id_as_text, Bench) {
  for (const std::string& each : different_csrs(10)) submit(each);
  BOOST_REQUIRE(enrollments.sign(caller, "bank1", 3).has_value());
  std::string order;
  const auto all = enrollments.list("bank1", std::nullopt).value();
  for (const auto& enrollment : all) order += std::to_string(enrollment.id) + " ";
  BOOST_TEST(order == "10 11 2 3 4 5 6 7 8 9 ");
  BOOST_TEST(enrollments.list("bank1", "CERT_SIGNED").value().size() == 1u);
  BOOST_TEST(enrollments.list("bank1", "NONSENSE").value().empty());
}

BOOST_FIXTURE_TEST_CASE(dfsp_ids_are_names_that_the_daemon_takes_and_no_routes, Bench) {
  // MCM_API 13.57
  for (const char* id : {"", " ", "bank 3", "-bank", "../bank", "bank/3", "b\xc3\xa4nk", "servercerts", "ServerCerts",
                         "12345678901234567890123456789012345678901234567890123456789012345"})
    BOOST_TEST((dfsps.add(caller, {.id = id, .name = "x"}).error().code == Code::bad_request), id);
  BOOST_TEST((dfsps.add(caller, {.id = "BANK1", .name = "x"}).error().code == Code::conflict));
  BOOST_TEST(
      (dfsps.add(caller, {.id = "bank9", .name = "x", .monetary_zone = "eur"}).error().code == Code::bad_request));
  BOOST_TEST(dfsps.list({"c0ffee"}).value().size() == 2u);
  BOOST_TEST((dfsps.require("bank9").error().code == Code::not_found));
  BOOST_TEST((dfsps.require("BANK1").error().code == Code::not_found));
}

BOOST_AUTO_TEST_SUITE_END()
