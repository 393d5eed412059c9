#include "daemon/server.h"

#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include <boost/test/unit_test.hpp>

#include "common/wire/daemon_client.h"
#include "common/wire/message.h"
#include "tests/support/must.h"
#include "tests/support/temp_dir.h"
#include "tests/support/unix_socket.h"

using namespace hubseal;
using namespace hubseal::daemon;
using namespace std::chrono_literals;

namespace {

/// How often a connection could not be taken for want of a descriptor.
std::atomic<int> accepts_in_vain{0};

}  // namespace

// In place of the C library's, for this whole program.
extern "C" int accept4(int listener, sockaddr* address, socklen_t* size, int flags) {
  const auto fd = static_cast<int>(::syscall(SYS_accept4, listener, address, size, flags));
  if (fd < 0 && errno == EMFILE) {
    ++accepts_in_vain;
    accepts_in_vain.notify_all();
  }
  return fd;
}

namespace {

/// This process can open no file while it lives.
class NoFiles {
 public:
  NoFiles() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);  // the lowest number that is free
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~NoFiles() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoFiles(const NoFiles&) = delete;
  NoFiles& operator=(const NoFiles&) = delete;

 private:
  rlimit before_{};
};

PeerRule rule_for(uid_t uid) {
  PeerRule rule;
  rule.name = "me";
  rule.role = Role::admin;
  rule.uid = uid;
  return rule;
}

/// A server in a thread of its own that echoes lines, on sockets in a temporary folder.
class Running {
 public:
  explicit Running(
      std::vector<PeerRule> rules, Server::Limits limits = {4, 300ms, 5s, 5s},
      Server::Handler handler = [](const Peer&, std::string_view line) { return std::string(line); })
      : server_(open_listeners(folder_.path(), rules).value(), rules, limits, std::move(handler),
                [](const Peer&, const Error& error) { return wire::encode_error("", error); }),
        thread_([this] { drained_ = server_.run(); }) {}
  ~Running() { stop(); }

  bool stop() {
    server_.stop();
    if (thread_.joinable()) thread_.join();
    return drained_;
  }

  wire::LineChannel connect() const { return connect(UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))); }

  wire::LineChannel connect(UniqueFd fd) const {
    const sockaddr_un address = test::unix_address(folder_.path() / "admin.sock");
    BOOST_REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    return wire::LineChannel(std::move(fd));
  }

 private:
  test::TempDir folder_;
  Server server_;
  bool drained_ = false;
  std::thread thread_;
};

std::optional<std::string> read(wire::LineChannel& channel) {
  auto line = channel.read_line(10s, 10s);
  return line ? *line : std::nullopt;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(server)

BOOST_AUTO_TEST_CASE(a_line_is_answered_and_the_connection_goes_on) {
  Running running({rule_for(::geteuid())});
  auto channel = running.connect();
  for (const char* line : {"one", "two"}) {
    test::must(channel.write_line(line, 5s));
    BOOST_TEST(read(channel).value() == line);
  }
}

BOOST_AUTO_TEST_CASE(a_stranger_is_closed_unread) {
  bool asked = false;
  Running running({rule_for(::geteuid() + 1)}, {4, 300ms, 5s, 5s}, [&](const Peer&, std::string_view) {
    asked = true;
    return std::string("never");
  });
  auto channel = running.connect();
  (void)channel.write_line("hello", 5s);
  BOOST_TEST(!read(channel).has_value());
  running.stop();
  BOOST_TEST(!asked);
}

BOOST_AUTO_TEST_CASE(half_a_line_then_silence_is_answered_and_closed) {
  Running running({rule_for(::geteuid())});
  auto channel = running.connect();
  BOOST_REQUIRE(::send(channel.fd(), "half", 4, MSG_NOSIGNAL) == 4);
  BOOST_TEST(read(channel).value().find("bad_request") != std::string::npos);
  BOOST_TEST(!read(channel).has_value());
}

BOOST_AUTO_TEST_CASE(a_line_of_ten_mebibytes_is_answered_and_closed) {
  Running running({rule_for(::geteuid())});
  auto channel = running.connect();
  std::thread writer([&] {
    const std::string chunk(64 * 1024, 'x');
    for (int i = 0; i < 160; ++i)
      if (::send(channel.fd(), chunk.data(), chunk.size(), MSG_NOSIGNAL) < 0) break;
  });
  const auto answer = read(channel);
  writer.join();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->find("too_large") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(one_connection_too_many_is_told_so_and_the_others_go_on) {
  Running running({rule_for(::geteuid())});
  std::vector<wire::LineChannel> open;
  for (int i = 0; i < 2; ++i) {  // the other two are for other uids
    open.push_back(running.connect());
    test::must(open.back().write_line("in", 5s));
    BOOST_TEST(read(open.back()).value() == "in");
  }
  auto third = running.connect();
  BOOST_TEST(read(third).value().find("rate_limited") != std::string::npos);
  test::must(open[0].write_line("still", 5s));
  BOOST_TEST(read(open[0]).value() == "still");
}

BOOST_AUTO_TEST_CASE(a_thousand_connections_leave_the_first_one_served) {
  Running running({rule_for(::geteuid())});
  auto first = running.connect();
  test::must(first.write_line("in", 5s));
  BOOST_TEST(read(first).value() == "in");
  for (int i = 0; i < 1000; ++i) running.connect();
  test::must(first.write_line("still", 5s));
  BOOST_TEST(read(first).value() == "still");
}

BOOST_AUTO_TEST_CASE(who_connects_while_descriptors_are_short_waits_and_the_others_go_on) {
  Running running({rule_for(::geteuid())});
  auto first = running.connect();
  test::must(first.write_line("in", 5s));
  BOOST_TEST(read(first).value() == "in");
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int before = accepts_in_vain;
  std::optional<wire::LineChannel> second;
  {
    const NoFiles none;
    second.emplace(running.connect(std::move(fd)));
    test::must(second->write_line("late", 5s));
    accepts_in_vain.wait(before);
    test::must(first.write_line("still", 5s));
    BOOST_TEST(read(first).value() == "still");
  }
  BOOST_TEST(read(*second).value() == "late");
}

BOOST_AUTO_TEST_CASE(stopping_lets_the_request_under_way_finish) {
  std::promise<void> entered;
  std::promise<void> release;
  Running running({rule_for(::geteuid())}, {4, 5s, 5s, 10s}, [&](const Peer&, std::string_view) {
    entered.set_value();
    release.get_future().wait();
    return std::string("done");
  });
  auto channel = running.connect();
  test::must(channel.write_line("work", 5s));
  entered.get_future().wait();
  bool drained = false;  // the framework is used from one thread only
  std::thread stopper([&] { drained = running.stop(); });
  release.set_value();
  BOOST_TEST(read(channel).value() == "done");
  stopper.join();
  BOOST_TEST(drained);
}

BOOST_AUTO_TEST_CASE(a_second_daemon_does_not_take_over_a_socket_that_answers) {
  test::TempDir folder;
  const std::vector<PeerRule> rules = {rule_for(::geteuid())};
  {
    const auto first = open_listeners(folder.path(), rules);
    const auto second = open_listeners(folder.path(), rules);
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error().code == Code::conflict));
  }
  // The first one is gone without cleaning up: its socket files are replaced.
  BOOST_TEST(open_listeners(folder.path(), rules).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
