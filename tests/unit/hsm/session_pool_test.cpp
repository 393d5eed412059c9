#include "hsm/session_pool.h"

#include <boost/test/unit_test.hpp>

#include <future>
#include <latch>
#include <optional>
#include <set>

#include "tests/support/until.h"

namespace hubseal::hsm {
namespace {

/// A module that knows sessions and nothing else.
struct SessionsOnly {
  static inline CK_SESSION_HANDLE next = 0;
  static inline std::set<CK_SESSION_HANDLE> open;

  CK_FUNCTION_LIST functions{};
  SessionsOnly() {
    next = 0;
    open.clear();
    functions.C_OpenSession = [](CK_SLOT_ID, CK_FLAGS, void*, CK_NOTIFY, CK_SESSION_HANDLE* handle) -> CK_RV {
      *handle = ++next;
      open.insert(next);
      return CKR_OK;
    };
    functions.C_CloseSession = [](CK_SESSION_HANDLE handle) -> CK_RV {
      open.erase(handle);
      return CKR_OK;
    };
  }
};

struct OneSession {
  SessionsOnly module;
  Cryptoki cryptoki{&module.functions};
  SessionPool pool{cryptoki, 0, 1};

  static auto at_once() { return std::chrono::steady_clock::now(); }
  static auto in_time() { return std::chrono::steady_clock::now() + std::chrono::minutes(5); }
  void wait_for_queue(std::size_t length) {
    BOOST_REQUIRE(test::until([&] { return pool.waiting() == length; }));
  }
};

/// A token that does not come back from C_CloseSession before it may.
struct HangingClose : OneSession {
  static inline std::optional<std::latch> hangs, may_go_on;

  HangingClose() {
    hangs.emplace(1);
    may_go_on.emplace(1);
    module.functions.C_CloseSession = [](CK_SESSION_HANDLE) -> CK_RV {
      if (!hangs->try_wait()) hangs->count_down();
      may_go_on->wait();
      return CKR_OK;
    };
  }
  template <class Closes>
  void others_are_answered_at_their_deadline_while(Closes closes) {
    std::jthread closing(closes);
    hangs->wait();
    auto other = std::async(std::launch::async, [this] { return pool.take(at_once()).has_value(); });
    const bool answered = other.wait_for(std::chrono::minutes(1)) == std::future_status::ready;
    may_go_on->count_down();
    BOOST_TEST(answered);
    BOOST_TEST(!other.get());
    closing.join();
    BOOST_TEST(pool.take(in_time())->session().handle == 2U);
  }
};

BOOST_AUTO_TEST_SUITE(session_pool)

BOOST_FIXTURE_TEST_CASE(at_the_deadline_the_token_is_busy, OneSession) {
  const auto lease = pool.take(at_once());
  BOOST_REQUIRE(lease);
  const auto refused = pool.take(at_once());
  BOOST_REQUIRE(!refused);
  BOOST_TEST((refused.error().code == Code::hsm_busy));
  BOOST_TEST(pool.waiting() == 0U);
}

BOOST_FIXTURE_TEST_CASE(a_renewed_pool_closes_every_session_those_that_are_lent_when_they_come_back, OneSession) {
  const auto handle = [&] { return pool.take(at_once())->session().handle; };
  const auto use = [&] {
    auto lease = pool.take(at_once());
    BOOST_REQUIRE(lease);
    lease->keep();
    return lease->session().handle;
  };
  const auto first = use();
  BOOST_TEST(use() == first);
  pool.renew();  // idle
  BOOST_TEST(module.open.empty());
  const auto second = use();
  BOOST_TEST(second != first);
  {
    auto lease = pool.take(at_once());
    BOOST_REQUIRE(lease);
    lease->keep();
    pool.renew();
    BOOST_TEST(module.open.contains(second));  // it is at work
  }
  BOOST_TEST(module.open.empty());
  BOOST_TEST(handle() != second);
}

BOOST_FIXTURE_TEST_CASE(who_came_first_is_served_first, OneSession) {
  Guarded<std::vector<int>> served;
  std::vector<std::jthread> threads;
  {
    const auto lease = pool.take(at_once());
    for (int number = 0; number < 6; ++number) {
      threads.emplace_back([&, number] {
        auto mine = pool.take(in_time());
        served.lock()->push_back(number);
        mine->keep();
      });
      wait_for_queue(static_cast<std::size_t>(number) + 1);
    }
  }
  threads.clear();
  BOOST_TEST(*served.lock() == (std::vector<int>{0, 1, 2, 3, 4, 5}), boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_session_that_served_well_is_lent_again_and_any_other_is_closed, OneSession) {
  {
    auto lease = pool.take(at_once());
    BOOST_TEST(lease->session().handle == 1U);
    lease->keep();
  }
  {
    auto lease = pool.take(at_once());
    BOOST_TEST(lease->session().handle == 1U);
  }
  BOOST_TEST(SessionsOnly::open.empty());
  BOOST_TEST(pool.take(at_once())->session().handle == 2U);
}

// A key may be looked at again and again: what its session keeps does not grow, and the prepared verifier is the same.
BOOST_FIXTURE_TEST_CASE(what_a_session_keeps_for_a_key_is_found_by_its_id_however_often_the_key_is_read, OneSession) {
  const KeyId one{1}, other{2};
  auto lease = pool.take(at_once());
  SessionSlot& slot = lease->slot();
  const SessionSlot::KeyUse* const kept = &slot.use_of(one);
  BOOST_TEST(&slot.use_of(other) != kept);
  for (int look = 0; look < 100; ++look) BOOST_TEST(&slot.use_of(KeyId(one)) == kept);
}

BOOST_FIXTURE_TEST_CASE(handles_of_session_objects_die_with_their_session, OneSession) {
  const KeyId key{1};
  {
    auto lease = pool.take(at_once());
    lease->slot().use_of(key).handle = 7;
    lease->keep();
  }
  {
    auto lease = pool.take(at_once());
    BOOST_TEST(lease->slot().use_of(key).handle == 7U);
  }
  BOOST_TEST(pool.take(at_once())->slot().use_of(key).handle == 0U);
}

BOOST_FIXTURE_TEST_CASE(closing_sends_those_who_wait_away, OneSession) {
  std::optional<Code> code;
  const auto lease = pool.take(at_once());
  std::jthread waiter([&] {
    const auto refused = pool.take(in_time());
    if (!refused) code = refused.error().code;
  });
  wait_for_queue(1);
  pool.close();
  waiter.join();
  BOOST_TEST((code == Code::hsm_unavailable));
  BOOST_TEST(!pool.take(in_time()));
}

BOOST_FIXTURE_TEST_CASE(a_token_that_hangs_while_a_renewed_pool_is_closed_keeps_nobody_beyond_the_deadline,
                        HangingClose) {
  pool.take(at_once())->keep();
  others_are_answered_at_their_deadline_while([this] { pool.renew(); });
}

BOOST_FIXTURE_TEST_CASE(a_token_that_hangs_while_a_session_that_came_back_is_closed_keeps_nobody_either, HangingClose) {
  auto lease = std::make_unique<SessionPool::Lease>(*pool.take(at_once()));
  lease->keep();
  pool.renew();
  others_are_answered_at_their_deadline_while([&lease] { lease.reset(); });
}

BOOST_AUTO_TEST_CASE(no_session_of_a_lost_token_is_touched_any_more) {
  SessionsOnly module;
  Cryptoki cryptoki(&module.functions);
  {
    SessionPool pool(cryptoki, 0, 2);
    BOOST_REQUIRE(pool.open_sessions());
    BOOST_TEST(SessionsOnly::open.size() == 2U);
    cryptoki.note(CKR_DEVICE_REMOVED, "C_Sign");
  }
  BOOST_TEST(SessionsOnly::open.size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
