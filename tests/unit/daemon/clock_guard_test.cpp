#include "daemon/clock_guard.h"

#include <boost/test/unit_test.hpp>

#include "daemon/registry/certificate_table.h"
#include "tests/support/fake_clock.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using namespace std::chrono_literals;

namespace {

std::chrono::seconds elapsed{0};
std::chrono::seconds monotonic() { return elapsed; }

struct Fixture {
  Fixture() { elapsed = 1000s; }

  /// Both clocks, as time does when nobody meddles.
  void pass(std::chrono::seconds time) {
    clock.time += time;
    elapsed += time;
  }

  /// A certificate in the registry that was dated now.
  void certify() {
    const CertificateRecord record{.ca = "hub-ca",
                                   .serial = "01",
                                   .profile = "p",
                                   .subject = "s",
                                   .peer = "agent",
                                   .request = "r",
                                   .content_hash = {1},
                                   .key_id = {1},
                                   .distinguished_name = "CN=s",
                                   .not_before = clock.time,
                                   .not_after = clock.time + 24h,
                                   .tbs = {1},
                                   .algorithm = SignatureAlgorithm::ecdsa_sha256};
    test::must(registry->write([&](Database& database) { return certificate_table::reserve(database, record); }));
  }

  test::FakeClock clock;
  test::TempDir folder;
  std::unique_ptr<Registry> registry = test::must(Registry::open(folder.path()));
};

void check_refused(const Result<TimePoint>& time, const std::string& word) {
  BOOST_REQUIRE(!time.has_value());
  BOOST_TEST((time.error().code == Code::policy_denied));
  BOOST_TEST(time.error().message.find(word) != std::string::npos, time.error().message);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(clock_guard, Fixture)

BOOST_AUTO_TEST_CASE(time_that_passes_is_believed) {
  const ClockGuard guard(clock, *registry, &monotonic);
  certify();
  for (const auto time : {0s, 1s, 86400s, 31536000s}) {
    pass(time);
    BOOST_TEST((test::must(guard.now()) == clock.time));
  }
}

BOOST_AUTO_TEST_CASE(a_clock_that_jumps_either_way_is_refused_with_the_distance_and_believed_when_set_right) {
  const ClockGuard guard(clock, *registry, &monotonic);
  for (const auto jump : {3600s, -3600s, 315360000s}) {
    clock.time += jump;
    check_refused(guard.now(), std::to_string(jump.count()) + " s");
    clock.time -= jump;
    BOOST_TEST(guard.now().has_value());
  }
}

BOOST_AUTO_TEST_CASE(small_corrections_are_no_jump) {
  const ClockGuard guard(clock, *registry, &monotonic);
  for (const auto step : {299s, -598s}) {
    clock.time += step;
    BOOST_TEST(guard.now().has_value());
  }
  clock.time -= 2s;
  BOOST_TEST(!guard.now().has_value());
}

BOOST_AUTO_TEST_CASE(a_clock_behind_what_the_registry_holds_is_refused_after_a_restart_too) {
  certify();
  clock.time -= 24h;  // set back while no daemon ran: the monotonic clock knows nothing of it
  const ClockGuard guard(clock, *registry, &monotonic);
  check_refused(guard.now(), "registry already holds");
  pass(24h);
  BOOST_TEST(guard.now().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
