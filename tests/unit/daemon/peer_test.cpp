#include "daemon/peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "common/unique_fd.h"

using namespace hubseal;
using namespace hubseal::daemon;

namespace {

PeerRule rule(const std::string& name, Role role, std::optional<uid_t> uid, std::optional<gid_t> gid) {
  PeerRule made;
  made.name = name;
  made.role = role;
  made.uid = uid;
  made.gid = gid;
  return made;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(peer)

BOOST_AUTO_TEST_CASE(the_kernel_says_who_is_at_the_other_end) {
  int ends[2];
  BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
  const UniqueFd one(ends[0]);
  const UniqueFd other(ends[1]);
  const auto credentials = peer_credentials(one.get());
  BOOST_REQUIRE(credentials.has_value());
  BOOST_TEST(credentials->uid == ::geteuid());
  BOOST_TEST(credentials->pid == ::getpid());
  BOOST_TEST(credentials->gids.front() == ::getegid());
}

BOOST_AUTO_TEST_CASE(a_rule_opens_its_own_socket_and_no_other) {
  const std::vector<PeerRule> rules = {rule("agent", Role::agent, 1000, std::nullopt)};
  const Credentials agent{.pid = 1, .uid = 1000, .gids = {1000}};
  BOOST_TEST(find_rule(rules, Role::agent, agent) == &rules[0]);
  BOOST_TEST(find_rule(rules, Role::admin, agent) == nullptr);
  BOOST_TEST(find_rule(rules, Role::agent, {.pid = 1, .uid = 1001, .gids = {1000}}) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_group_counts_also_when_it_is_supplementary) {
  const std::vector<PeerRule> rules = {rule("team", Role::admin, std::nullopt, 500)};
  BOOST_TEST(find_rule(rules, Role::admin, {.pid = 1, .uid = 1, .gids = {100, 500}}) == &rules[0]);
  BOOST_TEST(find_rule(rules, Role::admin, {.pid = 1, .uid = 500, .gids = {100}}) == nullptr);
}

BOOST_AUTO_TEST_CASE(root_is_a_stranger_unless_a_rule_names_it) {
  const std::vector<PeerRule> rules = {rule("agent", Role::agent, 1000, std::nullopt)};
  BOOST_TEST(find_rule(rules, Role::agent, {.pid = 1, .uid = 0, .gids = {0}}) == nullptr);
}

BOOST_AUTO_TEST_CASE(absent_permissions_profiles_and_keys_are_refused) {
  const PeerRule nothing = rule("agent", Role::agent, 1000, std::nullopt);
  const Peer peer{&nothing, {.pid = 1, .uid = 1000, .gids = {1000}}};
  for (const auto& [name, permission] : kPermissions) BOOST_TEST(!peer.may(permission), name << " was open");
  BOOST_TEST(!peer.may_use_profile("dfsp-client"));
  BOOST_TEST(!peer.may_use_key("hub-jws"));
}

BOOST_AUTO_TEST_CASE(a_key_is_named_or_covered_by_how_its_label_begins) {
  PeerRule some = rule("gateway", Role::tls, 1000, std::nullopt);
  some.keys = {"hub-tls", "hub-client-*"};
  const Peer peer{&some, {.pid = 1, .uid = 1000, .gids = {1000}}};
  for (const char* open : {"hub-tls", "hub-client-", "hub-client-bank1"}) BOOST_TEST(peer.may_use_key(open), open);
  for (const char* closed : {"hub-tls-2", "hub-client", "hub-clients", "my-hub-client-1", "hub-client*x", ""})
    BOOST_TEST(!peer.may_use_key(closed), closed);
}

BOOST_AUTO_TEST_SUITE_END()
