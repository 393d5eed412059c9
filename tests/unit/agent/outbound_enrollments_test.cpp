#include "agent/service/outbound_enrollments.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "agent/service/dfsp_cas.h"
#include "agent/service/dfsps.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

/// One DFSP, "bank1", whose CA is the throwaway CA of make_certificate, and a daemon that makes keys.
struct Bench {
  Bench() { BOOST_REQUIRE(dfsps.add(caller, {.id = "bank1", .name = "Bank One"}).has_value()); }

  /// A certificate for a new enrollment is stored; its CA is told of. The enrollment.
  OutboundEnrollments::Enrollment certified() {
    const auto enrollment = outbound.create(caller, "bank1").value();
    const std::string certificate = make_certificate(folder, enrollment.csr);
    cas.put(caller, "bank1", slurp(folder / "ca.pem"), "").value();
    return outbound.put_certificate(caller, "bank1", enrollment.id, certificate).value();
  }

  Result<Json> script(const wire::Request&) {
    if (refusal) return fail(*refusal, "the daemon's words");
    return Json{{"csr", make_csr(folder, words("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=hub"))}};
  }

  // Some minutes ahead, so that what a test is about to make is valid at this time.
  OutboundEnrollments at(const Clock& time) { return {table, cas, daemon, time, {NewKey(), {2048}}}; }

  TempFolder folder;
  std::optional<Code> refusal;
  Caller caller{"0123456789abcdef"};
  FixedClock clock{SystemClock().now() + std::chrono::minutes(10)};
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable dfsp_table{*database};
  store::DfspCaTable ca_table{*database};
  store::OutboundEnrollmentTable table{*database};
  Dfsps dfsps{dfsp_table, clock};
  DfspCas cas{ca_table, clock};
  ScriptedDaemon hubseald{folder / "agent.sock", [this](const wire::Request& request) { return script(request); }};
  wire::DaemonClient client{hubseald.socket_path(), std::chrono::seconds(30)};
  SigningDaemon daemon{client};
  OutboundEnrollments outbound = at(clock);
};

}  // namespace

BOOST_AUTO_TEST_SUITE(outbound_enrollments)

BOOST_AUTO_TEST_CASE(the_newest_good_certificate_is_the_one_in_use) {
  Bench bench;
  BOOST_TEST(!bench.outbound.in_use("bank1").value().has_value());
  const auto first = bench.certified();
  BOOST_TEST(bench.outbound.in_use("bank1").value()->id == first.id);
  bench.outbound.create(bench.caller, "bank1").value();  // waits, so that the one before it stays in use
  BOOST_TEST(bench.outbound.in_use("bank1").value()->id == first.id);
}

BOOST_AUTO_TEST_CASE(an_invalid_certificate_does_not_take_the_place_of_the_one_in_use) {
  Bench bench;
  const auto enrollment = bench.certified();
  const std::string good = *enrollment.certificate;
  const std::string stranger = make_certificate(bench.folder, enrollment.csr);  // by another CA of the same name
  const auto stored = bench.outbound.put_certificate(bench.caller, "bank1", enrollment.id, stranger).value();
  BOOST_TEST(*stored.validation_state == "INVALID");
  BOOST_TEST(*stored.certificate == stranger);
  BOOST_TEST(*bench.outbound.in_use("bank1").value()->usable_certificate == good);
}

BOOST_AUTO_TEST_CASE(what_was_good_is_not_in_use_once_it_has_expired_or_the_ca_is_another) {
  Bench bench;
  bench.certified();
  const FixedClock later(bench.clock.now() + std::chrono::days(11));
  BOOST_TEST(!bench.at(later).in_use("bank1").value().has_value());
  make_certificate(bench.folder, bench.outbound.list("bank1", std::nullopt)->front().csr);  // and with it another CA
  bench.cas.put(bench.caller, "bank1", slurp(bench.folder / "ca.pem"), "").value();
  BOOST_TEST(!bench.outbound.in_use("bank1").value().has_value());
}

BOOST_AUTO_TEST_CASE(a_place_that_no_csr_came_to_is_free_after_a_while) {
  Bench bench;
  const auto reserve = [&](TimePoint now) {
    return bench.table.reserve(
        "bank1", [](std::int64_t id) { return "key-" + std::to_string(id); }, now);
  };
  for (int i = 0; i < store::kMaxOpenOutbound; ++i) BOOST_TEST(reserve(bench.clock.now()).has_value());
  BOOST_TEST((reserve(bench.clock.now()).error().code == Code::conflict));
  BOOST_TEST(bench.outbound.list("bank1", std::nullopt)->empty());
  BOOST_TEST(reserve(bench.clock.now() + std::chrono::minutes(16)).has_value());
}

BOOST_AUTO_TEST_CASE(verdicts_on_a_certificate_that_was_replaced_are_not_stored) {
  Bench bench;
  auto old = bench.certified();
  const std::string second = make_certificate(bench.folder, old.csr, {"-days", "20"});
  bench.outbound.put_certificate(bench.caller, "bank1", old.id, second).value();
  old.validations_json = "[]";
  BOOST_REQUIRE(bench.table.store_verdicts(old, true).has_value());
  const auto stored = bench.outbound.get("bank1", old.id).value();
  BOOST_TEST(*stored.certificate == second);
  BOOST_TEST(*stored.validations_json != "[]");
}

BOOST_AUTO_TEST_SUITE_END()
