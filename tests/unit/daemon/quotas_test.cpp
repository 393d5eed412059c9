#include "daemon/quota/quotas.h"

#include <fstream>

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "daemon/audit.h"
#include "daemon/quota/refusals.h"
#include "daemon/registry/quota_table.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using namespace std::chrono_literals;

namespace {

struct FakeClock final : Clock {
  TimePoint now() const override { return time; }
  TimePoint time{std::chrono::seconds(1'790'000'000)};
};

struct Fixture {
  Fixture() {
    for (const QuotaKind kind : {QuotaKind::uid, QuotaKind::subject, QuotaKind::key, QuotaKind::refusals})
      limits[static_cast<std::size_t>(kind)] = {.burst = 16, .refill = 60, .refill_time = 60s};
    open();
  }

  /// A daemon that starts: after a crash, if save() was not called before.
  void open() {
    quotas.reset();
    registry.reset();
    registry = test::must(Registry::open(folder.path()));
    quotas = test::must(Quotas::open(*registry, clock, [this] { return elapsed; }));
  }

  void pass(std::chrono::seconds time) {
    clock.time += time;
    elapsed += time;
  }

  std::string take(QuotaKind kind, const std::string& name) {
    const Use use{kind, name};
    const auto taken = quotas->take(limits, {&use, 1});
    message = taken ? "" : taken.error().message;
    return taken ? "ok" : std::string(to_string(taken.error().code));
  }

  /// How many can be taken at this moment.
  int left(QuotaKind kind, const std::string& name) {
    int count = 0;
    while (take(kind, name) == "ok") ++count;
    return count;
  }

  test::TempDir folder;
  FakeClock clock;
  std::chrono::milliseconds elapsed{1h};
  std::unique_ptr<Registry> registry;
  std::unique_ptr<Quotas> quotas;
  QuotaLimits limits;
  std::string message;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(quotas, Fixture)

BOOST_AUTO_TEST_CASE(a_burst_is_let_through_and_then_what_comes_in) {
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
  BOOST_TEST(message ==
             "quota.subject of subject bank1 is used up: 16 at once, and 60 more every 60 s; try again in 1 s");
  elapsed += 3500ms;
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 3);
  pass(1h);
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
}

BOOST_AUTO_TEST_CASE(nobody_uses_up_what_is_anothers) {
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
  BOOST_TEST(left(QuotaKind::subject, "bank2") == 16);
  BOOST_TEST(left(QuotaKind::key, "bank1") == 16);
}

BOOST_AUTO_TEST_CASE(unlimited_is_without_limit) {
  limits[static_cast<std::size_t>(QuotaKind::key)] = {.unlimited = true};
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(take(QuotaKind::key, "hub-jws") == "ok");
}

BOOST_AUTO_TEST_CASE(of_several_all_are_taken_or_none) {
  BOOST_TEST(left(QuotaKind::key, "hub-ca") == 16);
  const Use both[] = {{QuotaKind::subject, "bank1"}, {QuotaKind::key, "hub-ca"}};
  BOOST_TEST((quotas->take(limits, both).error().code == Code::rate_limited));
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
}

BOOST_AUTO_TEST_CASE(what_is_given_back_can_be_taken_again) {
  BOOST_TEST(left(QuotaKind::uid, "1000") == 16);
  quotas->give_back({QuotaKind::uid, "1000"});
  BOOST_TEST(left(QuotaKind::uid, "1000") == 1);
}

BOOST_AUTO_TEST_CASE(a_restart_goes_on_from_where_it_was) {
  for (int i = 0; i < 10; ++i) BOOST_REQUIRE(take(QuotaKind::subject, "bank1") == "ok");
  test::must(quotas->save());
  open();
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 6);
  pass(2s);
  test::must(quotas->save());
  open();
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 2);
}

// However often it dies and whatever was taken in between, a second daemon never has more than the first had left.
BOOST_AUTO_TEST_CASE(a_crash_gives_nobody_more_than_was_left) {
  for (int taken = 0; taken <= 16; ++taken)
    for (const auto pause : {0s, 1s, 30s, 120s}) {
      const std::string name = fmt::format("bank-{}-{}", taken, pause.count());
      BOOST_REQUIRE(take(QuotaKind::subject, name) == "ok");
      pass(1h);  // full again, and nothing of that is written down
      for (int i = 0; i < taken; ++i) BOOST_REQUIRE(take(QuotaKind::subject, name) == "ok");
      open();
      pass(pause);
      const int allowed = std::min<int>(16, 16 - taken + static_cast<int>(pause.count()));
      const int found = left(QuotaKind::subject, name);
      BOOST_TEST(found <= allowed, name << ": " << found << " of " << allowed);
      if (pause == 120s) BOOST_TEST(found == 16, name);  // and it is not a punishment either
    }
}

BOOST_AUTO_TEST_CASE(most_requests_write_nothing) {
  limits[static_cast<std::size_t>(QuotaKind::key)] = {.burst = 8000, .refill = 1, .refill_time = 60s};
  BOOST_TEST(take(QuotaKind::key, "hub-jws") == "ok");
  const auto levels = [&] { return test::must(registry->read(quota_table::list)).front().level; };
  const auto first = levels();
  for (int i = 0; i < 900; ++i) BOOST_REQUIRE(take(QuotaKind::key, "hub-jws") == "ok");
  BOOST_TEST(levels() == first);
  for (int i = 0; i < 200; ++i) BOOST_REQUIRE(take(QuotaKind::key, "hub-jws") == "ok");
  BOOST_TEST(levels() < first);
}

BOOST_AUTO_TEST_CASE(a_clock_that_jumps_fills_nothing) {
  BOOST_TEST(left(QuotaKind::key, "hub-jws") == 16);
  clock.time += 24h;
  BOOST_TEST(left(QuotaKind::key, "hub-jws") == 0);
}

BOOST_AUTO_TEST_CASE(a_clock_that_was_ahead_keeps_no_bucket_empty_once_it_is_right) {
  for (const bool at_a_crash : {false, true}) {
    clock.time += 24h * 30;
    BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
    if (!at_a_crash) test::must(quotas->save());
    clock.time -= 24h * 30;
    open();
    BOOST_TEST(left(QuotaKind::subject, "bank1") == 0);
    pass(2min);
    BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
    pass(1h);
  }
}

BOOST_AUTO_TEST_CASE(refusals_beyond_the_quota_are_counted_and_the_count_is_recorded) {
  const auto audit = test::must(AuditLog::open(folder.path(), clock));
  Refusals refusals(*quotas, *audit, clock);
  int recorded = 0;
  for (int i = 0; i < 100; ++i) recorded += refusals.admits(limits, 1000, "get_ca", Code::not_found) ? 1 : 0;
  BOOST_TEST(recorded == 16);
  BOOST_TEST(!refusals.admits(limits, 1000, "issue_certificate", Code::policy_denied));
  BOOST_TEST(refusals.admits(limits, 1001, "get_ca", Code::not_found));  // another user's are recorded as ever
  BOOST_TEST(refusals.admits(limits, 1000, "submit_approval", Code::bad_request));  // and so are votes
  test::must(refusals.record_counts());
  BOOST_TEST(audit->records() == 1U);
  std::ifstream file(folder / "audit.jsonl");
  std::string line;
  std::getline(file, line);
  const Json count = test::must(parse_json(line));
  BOOST_TEST(count["count"] == 85);
  BOOST_TEST(dump_json(count["refused"]) == R"({"get_ca":{"not_found":84},"issue_certificate":{"policy_denied":1}})");
  test::must(refusals.record_counts());
  BOOST_TEST(audit->records() == 1U);  // nothing new, nothing written
}

BOOST_FIXTURE_TEST_CASE(a_limit_of_a_profile_survives_a_crash_and_is_that_of_its_profile_alone, Fixture) {
  const Quota two{.burst = 2, .refill = 1, .refill_time = 3600s}, three{.burst = 3, .refill = 1, .refill_time = 3600s};
  const auto take_one = [&](const char* profile, const Quota& limit) {
    const Use use = use_of_profile(profile, limit, use_of_subject("bank1", false));
    return quotas->take(limits, {&use, 1}).has_value();
  };
  for (int i = 0; i < 2; ++i) BOOST_TEST(take_one("jws", two));
  BOOST_TEST(!take_one("jws", two));
  BOOST_TEST(take_one("jwe", three));
  open();
  BOOST_TEST(!take_one("jws", two));
  BOOST_TEST(left(QuotaKind::subject, "bank1") == 16);
}

BOOST_AUTO_TEST_SUITE_END()
