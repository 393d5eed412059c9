#include "agent/service/endpoint_items.h"

#include <algorithm>
#include <set>

#include <boost/test/unit_test.hpp>

#include "agent/service/dfsps.h"
#include "agent/service/endpoint_documents.h"
#include "agent/store/database.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent;
using namespace hubseal::agent::test;

namespace {

/// Two DFSPs without items.
struct Bench {
  Bench() {
    for (const char* id : {"bank1", "bank2"}) BOOST_REQUIRE(dfsps.add(caller, {.id = id, .name = "Bank"}).has_value());
  }

  EndpointItems::Item add(const EndpointItems::Owner& owner, const std::string& address = "10.0.0.1") {
    return items.add(caller, owner, {"EGRESS", "IP"}, IpEntry{address, {"443"}}).value();
  }

  TempFolder folder;
  SystemClock clock;
  std::unique_ptr<store::Database> database = store::Database::open({.file = folder / "agent.db"}).value();
  store::DfspTable dfsp_table{*database};
  store::EndpointItemTable table{*database};
  store::EndpointDocumentTable document_table{*database};
  Dfsps dfsps{dfsp_table, clock};
  EndpointItems items{table, clock};
  EndpointDocuments documents{document_table, clock};
  Caller caller{"c0ffee"};
};

template <class Work>
void in_parallel(int times, Work work) {
  std::vector<std::thread> threads;
  for (int i = 0; i < times; ++i) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(endpoint_items, Bench)

BOOST_AUTO_TEST_CASE(equal_values_at_the_same_moment_are_one_item) {
  Guarded<std::set<std::int64_t>> ids;
  in_parallel(8, [&] {
    const auto id = add("bank1").id;
    ids.lock()->insert(id);
  });
  BOOST_TEST(ids.lock()->size() == 1u);
  BOOST_TEST(items.list("bank1").value().size() == 1u);
  BOOST_TEST(add("bank2").id != *ids.lock()->begin());
  BOOST_TEST(items.add(caller, "bank1", {"INGRESS", "IP"}, IpEntry{"10.0.0.1", {"443"}}).value().id !=
             *ids.lock()->begin());
}

BOOST_AUTO_TEST_CASE(equal_documents_at_the_same_moment_are_one_document) {
  Guarded<std::set<std::int64_t>> ids;
  in_parallel(8, [&] {
    const auto id = documents.set_ingress(caller, "bank1", {"https://bank.example"}).value().id;
    ids.lock()->insert(id);
  });
  BOOST_TEST(ids.lock()->size() == 1u);
}

BOOST_AUTO_TEST_CASE(every_look_up_asks_whose_item_it_is) {
  const auto hub = add(std::nullopt);
  const auto bank = add("bank1");
  BOOST_TEST(hub.id == bank.id);  // two sequences: the number alone says nothing
  BOOST_TEST(!items.get("bank2", bank.id, std::nullopt).has_value());
  BOOST_TEST(!items.change(caller, "bank2", bank.id, std::nullopt, {.value = IpEntry{"10.0.0.9", {"1"}}}).has_value());
  BOOST_TEST(!items.remove(caller, "bank2", bank.id, std::nullopt).has_value());
  BOOST_TEST(!items.confirm(caller, "bank2", bank.id, EndpointItems::Seen::certain).has_value());
  BOOST_REQUIRE(items.remove(caller, std::nullopt, hub.id, std::nullopt).has_value());
  BOOST_TEST(items.get("bank1", bank.id, std::nullopt).value().value_json == bank.value_json);
}

BOOST_AUTO_TEST_CASE(a_refused_change_changes_nothing) {
  const auto item = add("bank1");
  for (const EndpointItems::Change& change :
       {EndpointItems::Change{}, EndpointItems::Change{.value = IpEntry{"0.0.0.0/0", {"1"}}},
        EndpointItems::Change{.value = UrlEntry{"http://a"}}, EndpointItems::Change{.state = "CONFIRMED"},
        EndpointItems::Change{.value = IpEntry{"10.0.0.2", {"1"}}, .direction = "INGRESS"}})
    BOOST_TEST(!items.change(caller, "bank1", item.id, std::nullopt, change).has_value());
  const auto found = items.get("bank1", item.id, std::nullopt).value();
  BOOST_TEST(found.value_json == item.value_json);
  BOOST_TEST(found.state == "NEW");
}

BOOST_AUTO_TEST_CASE(what_is_unprocessed_is_bounded_and_the_oldest_comes_first) {
  for (int bank = 0; bank < 3; ++bank) {
    const std::string id = "many" + std::to_string(bank);
    BOOST_REQUIRE(dfsps.add(caller, {.id = id, .name = "Bank"}).has_value());
    for (int i = 0; i < store::kMaxEndpointItems; ++i)
      BOOST_REQUIRE(table
                        .add({.dfsp_id = id, .direction = "EGRESS", .type = "IP", .value_json = std::to_string(i)},
                             clock.now(), [](const auto&) -> Result<> { return {}; })
                        .has_value());
  }
  const auto last = add("bank2");  // newer than more items than can be shown
  const auto found = items.unprocessed().value();
  BOOST_TEST(found.size() == std::size_t{store::kMaxUnprocessedItems});
  BOOST_TEST(found.front().dfsp_id.value() == "many0");
  BOOST_TEST(found.front().id < found.back().id);
  BOOST_TEST(found.back().id == last.id);
  for (int bank = 0; bank < 3; ++bank) {
    const auto shown = std::count_if(found.begin(), found.end(),
                                     [&](const auto& item) { return item.dfsp_id == "many" + std::to_string(bank); });
    BOOST_TEST((shown == 166 || shown == 167));  // as many of one as of another
  }
}

BOOST_AUTO_TEST_CASE(a_value_that_has_just_changed_is_confirmed_by_nobody_who_may_not_have_read_it) {
  using Seen = EndpointItems::Seen;
  const FixedClock noon(clock.now());
  const FixedClock almost(clock.now() + std::chrono::seconds(299));
  const FixedClock later(clock.now() + std::chrono::seconds(300));
  const auto item = add("bank1");
  BOOST_TEST(items.confirm(caller, "bank1", item.id, Seen::unknown).value().state == "CONFIRMED");
  const auto changed = EndpointItems(table, noon)
                           .change(caller, "bank1", item.id, std::nullopt, {.value = IpEntry{"10.0.0.9", {"443"}}})
                           .value();
  BOOST_TEST(changed.state == "NEW");
  const auto refused = EndpointItems(table, almost).confirm(caller, "bank1", item.id, Seen::unknown);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::conflict));
  BOOST_TEST(EndpointItems(table, later).confirm(caller, "bank1", item.id, Seen::unknown).has_value());
  BOOST_TEST(items.confirm(caller, "bank1", item.id, Seen::certain).has_value());
}

BOOST_AUTO_TEST_CASE(a_participants_addresses_have_a_width_together_and_the_hubs_do_not) {
  for (const char* address : {"10.0.0.0/8", "10.1.0.0/16"}) add("bank1", address);
  BOOST_TEST(
      (items.add(caller, "bank1", {"INGRESS", "IP"}, IpEntry{"11.0.0.1", {"1"}}).error().code == Code::conflict));
  const auto own = add("bank1", "10.2.0.0/16");
  const EndpointItems::Change wider = {.value = IpEntry{"11.0.0.0/8", {"1"}}};
  BOOST_TEST((items.change(caller, "bank1", own.id, std::nullopt, wider).error().code == Code::conflict));
  add("bank2", "11.0.0.1");
  for (const char* address : {"10.0.0.0/8", "11.0.0.0/8"}) add(std::nullopt, address);
  BOOST_TEST(!documents.set_egress(caller, "bank1", {{"10.0.0.0/8", {"1"}}, {"11.0.0.0/16", {"1"}}}).has_value());
  BOOST_TEST(documents.set_egress(caller, "bank1", {{"10.0.0.0/8", {"1"}}, {"10.0.0.0/16", {"1"}}}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
