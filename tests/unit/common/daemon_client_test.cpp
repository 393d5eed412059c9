#include "common/wire/daemon_client.h"

#include <sys/socket.h>

#include <csignal>
#include <functional>
#include <thread>

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/wire/message.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_socket.h"

using namespace hubseal;
using namespace std::chrono_literals;
using wire::DaemonClient;
using wire::LineChannel;

namespace {

/// A daemon that does with each connection, one after the other, what a function says.
class FakeDaemon {
 public:
  using Conversation = std::function<void(LineChannel&, int number)>;

  FakeDaemon(int connections, Conversation talk) : path_((folder_ / "s").string()) {
    listener_ = test::listen_at(path_, 8);
    thread_ = std::thread([this, connections, talk = std::move(talk)] {
      for (int n = 1; n <= connections; ++n) {
        LineChannel channel(UniqueFd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
        talk(channel, n);
      }
    });
  }
  ~FakeDaemon() { thread_.join(); }
  const std::string& path() const { return path_; }

 private:
  test::TempDir folder_;
  std::string path_;
  UniqueFd listener_;
  std::thread thread_;
};

/// Answers one request with the number of its connection.
bool answer(LineChannel& channel, int number) {
  const auto line = channel.read_line(30s, 30s);
  if (!line || !*line) return false;
  const auto request = wire::decode_request(**line);
  return channel.write_line(wire::encode_ok(request->id, {{"connection", number}}), 5s).has_value();
}

/// Signals to this thread, one after the other, for as long as it lives: those of a program that has a timer. It ends
/// by itself, so that who waits anew for each of them is found out.
class Signals {
 public:
  Signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { ++handled; };
    action.sa_flags = SA_RESTART;
    BOOST_REQUIRE(::sigaction(SIGUSR1, &action, &before_) == 0);
    handled = 0;
    thread_ = std::jthread([this, to = ::pthread_self()](const std::stop_token& stop) {
      for (int i = 0; i < 3000 && !stop.stop_requested(); ++i) {
        ::pthread_kill(to, SIGUSR1);
        std::this_thread::sleep_for(5ms);
      }
      given_up_ = !stop.stop_requested();
    });
  }
  ~Signals() {
    thread_ = {};
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  bool given_up() const { return given_up_; }
  static inline std::atomic<int> handled;

 private:
  struct sigaction before_ {};
  std::atomic<bool> given_up_{false};
  std::jthread thread_;
};

int connection_of(const Result<Json>& reply) { return reply.value()["connection"].get<int>(); }

}  // namespace

BOOST_AUTO_TEST_SUITE(daemon_client)

BOOST_AUTO_TEST_CASE(a_connection_is_kept_and_used_again) {
  FakeDaemon daemon(1, [](LineChannel& channel, int number) {
    while (answer(channel, number)) {
    }
  });
  DaemonClient client(daemon.path(), 30s);
  BOOST_TEST(connection_of(client.call("health", Json::object())) == 1);
  BOOST_TEST(connection_of(client.call("health", Json::object())) == 1);
}

BOOST_AUTO_TEST_CASE(a_pooled_connection_that_the_daemon_closed_is_replaced_unseen) {
  std::atomic<bool> closed{false};
  FakeDaemon daemon(2, [&](LineChannel& channel, int number) {
    answer(channel, number);
    if (number == 1) {
      ::shutdown(channel.fd(), SHUT_RDWR);
      closed = true;
      closed.notify_all();
    }
  });
  DaemonClient client(daemon.path(), 30s);
  BOOST_TEST(connection_of(client.call("health", Json::object())) == 1);
  closed.wait(false);
  BOOST_TEST(connection_of(client.call("health", Json::object())) == 2);
}

BOOST_AUTO_TEST_CASE(a_daemon_that_does_not_answer_costs_no_more_than_the_deadline) {
  FakeDaemon daemon(1, [](LineChannel& channel, int) {
    (void)channel.read_line(30s, 30s);
    (void)channel.read_line(30s, 30s);  // until the client leaves
  });
  DaemonClient client(daemon.path(), 20ms);
  const auto reply = client.call("health", Json::object());
  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == Code::hsm_unavailable));
}

BOOST_AUTO_TEST_CASE(signals_of_the_program_that_asks_prolong_no_deadline) {
  FakeDaemon daemon(1, [](LineChannel& channel, int) {
    (void)channel.read_line(30s, 30s);
    (void)channel.read_line(30s, 30s);  // until the client leaves
  });
  const Signals signals;
  DaemonClient client(daemon.path(), 1s);
  BOOST_TEST(!client.call("health", Json::object()).has_value());
  BOOST_TEST(!signals.given_up());
}

BOOST_AUTO_TEST_CASE(a_signal_ends_no_wait_for_a_daemon_that_is_busy) {
  const test::TempDir folder;
  const std::string path = (folder / "s").string();
  const UniqueFd listener = test::listen_at(path, 0);
  const UniqueFd first = test::connect_to(path);  // all that the backlog has room for

  const Signals signals;
  const std::jthread busy([&] {
    while (Signals::handled < 5 && !signals.given_up()) std::this_thread::yield();
    const UniqueFd ended(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    LineChannel channel(UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC)));
    answer(channel, 2);
  });
  const auto reply = DaemonClient(path, 30s).call("health", Json::object());
  ::shutdown(listener.get(), SHUT_RDWR);
  BOOST_REQUIRE(reply.has_value());
  BOOST_TEST(connection_of(reply) == 2);
}

BOOST_AUTO_TEST_CASE(a_request_that_may_have_arrived_is_not_sent_again) {
  std::atomic<int> requests{0};
  {
    FakeDaemon daemon(1, [&](LineChannel& channel, int) {
      if (channel.read_line(30s, 30s).value()) ++requests;
    });
    DaemonClient client(daemon.path(), 30s);
    const auto reply = client.call("sign_jws", Json::object());
    BOOST_REQUIRE(!reply.has_value());
    BOOST_TEST((reply.error().code == Code::hsm_unavailable));
  }
  BOOST_TEST(requests == 1);
}

BOOST_AUTO_TEST_CASE(no_daemon_at_all_is_said_with_the_path) {
  const test::TempDir folder;
  DaemonClient client((folder / "nobody").string(), 1s);
  const auto reply = client.call("health", Json::object());
  BOOST_REQUIRE(!reply.has_value());
  BOOST_TEST((reply.error().code == Code::hsm_unavailable));
  BOOST_TEST(reply.error().message.find("nobody") != std::string::npos);
  BOOST_TEST(
      (DaemonClient(std::string(200, 'x'), 1s).call("health", Json::object()).error().code == Code::bad_request));
}

BOOST_AUTO_TEST_CASE(who_finds_all_connections_in_use_waits_for_one) {
  FakeDaemon daemon(1, [](LineChannel& channel, int number) {
    while (answer(channel, number)) {
    }
  });
  std::atomic<int> answered{0};
  {
    DaemonClient client(daemon.path(), 30s, 1);
    std::vector<std::thread> callers;
    for (int i = 0; i < 20; ++i)
      callers.emplace_back([&] { answered += client.call("health", Json::object()).has_value() ? 1 : 0; });
    for (std::thread& caller : callers) caller.join();
  }
  BOOST_TEST(answered == 20);  // over one connection: there is no second
}

BOOST_AUTO_TEST_CASE(who_waits_for_a_connection_in_vain_is_told_that_all_are_in_use) {
  FakeDaemon daemon(0, {});  // connections wait in its backlog for ever
  DaemonClient client(daemon.path(), 200ms, 1);
  std::atomic<int> busy{0}, unavailable{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 20; ++i)
    callers.emplace_back([&] {
      const auto reply = client.call("health", Json::object());
      if (!reply) ++(reply.error().code == Code::hsm_busy ? busy : unavailable);
    });
  for (std::thread& caller : callers) caller.join();
  BOOST_TEST(busy + unavailable == 20);
  BOOST_TEST(unavailable >= 1);  // who had the connection
  BOOST_TEST(busy >= 1);
}

BOOST_AUTO_TEST_SUITE_END()
