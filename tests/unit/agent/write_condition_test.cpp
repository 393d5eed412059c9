#include "agent/store/write_condition.h"

#include <thread>

#include <boost/test/unit_test.hpp>

#include "agent/service/dfsps.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

struct Bench {
  Result<> add(const std::string& id) {
    TRY(dfsps.add({"c0ffee"}, {.id = id, .name = "Name of " + id}));
    return {};
  }
  std::size_t count() { return dfsps.list({"c0ffee"}).value().size(); }

  TempFolder folder;
  SystemClock clock;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable table{*database};
  Dfsps dfsps{table, clock};
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(write_condition, Bench)

BOOST_AUTO_TEST_CASE(nothing_is_written_where_the_condition_does_not_hold) {
  {
    const store::WriteCondition no([]() -> Result<> { return fail(Code::conflict, "it has changed"); });
    BOOST_TEST(add("bank1").error().message == "it has changed");
  }
  BOOST_TEST(count() == 0u);
  BOOST_TEST(add("bank1").has_value());  // it is gone with its scope
}

BOOST_AUTO_TEST_CASE(it_is_about_the_next_write_of_its_own_thread) {
  int looked = 0;
  const store::WriteCondition once([&]() -> Result<> {
    ++looked;
    BOOST_TEST(count() == 1u);  // reading goes on meanwhile
    return {};
  });
  std::thread([&] { BOOST_TEST(add("bank1").has_value()); }).join();
  BOOST_TEST(looked == 0);
  BOOST_TEST(add("bank2").has_value());
  BOOST_TEST(add("bank3").has_value());
  BOOST_TEST(looked == 1);
}

BOOST_AUTO_TEST_CASE(a_condition_that_writes_is_a_fault_and_not_a_standstill) {
  {
    const store::WriteCondition writes([&] { return add("bank1"); });
    BOOST_TEST(!add("bank2").has_value());
  }
  BOOST_TEST(count() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
