#include "daemon/group_commit.h"

#include <atomic>
#include <latch>
#include <thread>

#include <boost/test/unit_test.hpp>

using namespace hubseal::daemon;

namespace {

struct Item;
using Commit = GroupCommit<Item>;
struct Item : Commit::Ticket {
  int flushes = 0;
};

constexpr std::size_t kFollowers = 8;

/// Remembers how many items each flush had; the first one lasts until `go_on`.
struct Disk {
  Commit commit{[this](Commit::Batch& batch) {
    batches.push_back(batch.items().size());
    for (Item* item : batch.items()) ++item->flushes;
    if (batches.size() == 1) {
      under_way.count_down();
      go_on.wait();
    }
  }};
  std::vector<std::size_t> batches;
  std::latch under_way{1}, go_on{1};
};

}  // namespace

BOOST_AUTO_TEST_SUITE(group_commit)

BOOST_AUTO_TEST_CASE(who_comes_during_a_sync_shares_the_next_one) {
  Disk disk;
  Item leader;
  std::vector<Item> followers(kFollowers);
  disk.commit.enqueue(leader);
  {
    std::jthread leading([&] { disk.commit.wait(leader); });
    disk.under_way.wait();
    for (Item& item : followers) disk.commit.enqueue(item);
    std::vector<std::jthread> threads;
    for (Item& item : followers) threads.emplace_back([&] { disk.commit.wait(item); });
    disk.go_on.count_down();
  }
  // Nine records, two syncs.
  BOOST_TEST(disk.batches == (std::vector<std::size_t>{1, kFollowers}), boost::test_tools::per_element());
  for (const Item& item : followers) BOOST_TEST(item.flushes == 1);
}

BOOST_AUTO_TEST_CASE(who_comes_while_a_step_takes_its_items_joins_it_if_it_lets_him) {
  std::vector<std::size_t> batches;
  std::latch under_way{1}, go_on{1};
  Commit commit([&](Commit::Batch& batch) {
    under_way.count_down();
    go_on.wait();
    for (Item* item : batch.join()) ++item->flushes;
    BOOST_TEST(batch.join().empty());
    batches.push_back(batch.items().size());
  });
  Item leader;
  std::vector<Item> followers(kFollowers);
  commit.enqueue(leader);
  {
    std::jthread leading([&] { commit.wait(leader); });
    under_way.wait();
    for (Item& item : followers) commit.enqueue(item);
    std::vector<std::jthread> threads;
    // Half of them wait already when they are done, the others come to wait afterwards.
    for (std::size_t n = 0; n < kFollowers / 2; ++n) threads.emplace_back([&, n] { commit.wait(followers[n]); });
    go_on.count_down();
  }
  for (Item& item : followers) commit.wait(item);
  BOOST_TEST(batches == (std::vector<std::size_t>{1 + kFollowers}), boost::test_tools::per_element());
  for (const Item& item : followers) BOOST_TEST(item.flushes == 1);
}

BOOST_AUTO_TEST_CASE(one_alone_syncs_for_itself_each_time) {
  Disk disk;
  disk.go_on.count_down();
  for (int n = 0; n < 3; ++n) {
    Item item;
    disk.commit.enqueue(item);
    disk.commit.wait(item);
    BOOST_TEST(item.flushes == 1);
  }
  BOOST_TEST(disk.batches == (std::vector<std::size_t>{1, 1, 1}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(nobody_returns_before_its_own_item_was_flushed) {
  std::atomic<int> returned_early = 0;
  Commit commit([](Commit::Batch& batch) {
    for (auto items = batch.items(); !items.empty(); items = batch.join())
      for (Item* item : items) ++item->flushes;
  });
  {
    std::vector<std::jthread> threads;
    for (std::size_t n = 0; n < kFollowers; ++n)
      threads.emplace_back([&] {
        for (int round = 0; round < 500; ++round) {
          Item item;
          commit.enqueue(item);
          commit.wait(item);
          if (item.flushes != 1) ++returned_early;
        }
      });
  }
  BOOST_TEST(returned_early == 0);
}

BOOST_AUTO_TEST_SUITE_END()
