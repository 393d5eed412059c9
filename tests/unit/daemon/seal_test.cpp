#include "daemon/seal.h"

#include <boost/test/unit_test.hpp>

#include "tests/support/must.h"
#include "tests/support/temp_dir.h"

using namespace hubseal;
using namespace hubseal::daemon;
using test::must;

BOOST_AUTO_TEST_SUITE(seal)

BOOST_AUTO_TEST_CASE(a_seal_that_could_not_be_written_is_lifted_by_nobody_who_has_not_seen_it) {
  const test::TempDir folder;
  const auto registry = must(Registry::open(folder.path()));
  Gate gate;
  Seal seal(*registry, gate);
  const auto rename = [&](const char* sql) {
    must(registry->write([&](Database& database) { return database.execute(sql); }));
  };
  rename("ALTER TABLE seal RENAME TO away");
  BOOST_TEST((seal.set({.at = {}, .peer = "p", .uid = 1, .reason = "r"}).error().code == Code::storage_unavailable));
  rename("ALTER TABLE away RENAME TO seal");
  // As who accepts a rollback that showed no seal.
  BOOST_TEST((seal.lift(std::nullopt, Grant()).error().code == Code::conflict));
  BOOST_TEST((gate.enter().error().code == Code::sealed));
  const auto shown = seal.record();
  BOOST_TEST_REQUIRE(shown.has_value());
  BOOST_TEST(shown->reason == "r");
  must(seal.lift(shown, Grant()));
  BOOST_TEST(gate.enter().has_value());
  BOOST_TEST(!seal.record().has_value());
}

BOOST_AUTO_TEST_SUITE_END()
