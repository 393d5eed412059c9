#include "agent/service/hub_jws_rotation.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent;

namespace {

SigningDaemon::Key key(const std::string& label, const std::string& line = "hub-jws", const std::string& use = "jws") {
  return {.label = label,
          .id = "00",
          .type = "ec_p256",
          .use = use,
          .state = "active",
          .created_at = {},
          .line = line,
          .shown = true};
}

SigningDaemon::Key old(const std::string& label, const std::string& state, bool shown = true) {
  SigningDaemon::Key one = key(label);
  one.state = state;
  one.successor = "hub-jws-3";
  one.shown = shown;
  return one;
}

SigningDaemon::Key next(const std::string& label, bool shown = true) {
  SigningDaemon::Key one = key(label);
  one.state = "pre_activation";
  one.shown = shown;
  return one;
}

std::string labels(const std::vector<SigningDaemon::Key>& line) {
  std::string labels;
  for (const SigningDaemon::Key& one : line) labels += one.label + (is_shown(one) ? " " : "? ");
  return labels;
}

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(hub_jws_rotation)

BOOST_AUTO_TEST_CASE(keys_are_of_a_line_because_hubseald_says_so_and_not_by_their_names) {
  const std::vector<SigningDaemon::Key> all = {key("hub-jws"), key("hub-jws-2027", "hub-jws-2027"), key("any-name"),
                                               key("hub-jws-3", "hub-jws", "tls"), key("other", "other")};
  BOOST_TEST(labels(jws_line(all, "hub-jws")) == "any-name hub-jws ");
  BOOST_TEST(labels(jws_line(all, "any-name")) == "any-name hub-jws ");
  BOOST_TEST(labels(jws_line(all, "hub-jws-2027")) == "hub-jws-2027 ");
  BOOST_TEST(labels(jws_line(all, "nobody")) == "");
}

BOOST_AUTO_TEST_CASE(the_key_that_signs_is_the_last_and_the_others_are_shown_as_far_as_the_rotation_does) {
  BOOST_TEST(labels(jws_line({key("hub-jws"), next("hub-jws-2", false)}, "hub-jws")) == "hub-jws-2? hub-jws ");
  BOOST_TEST(labels(jws_line({key("hub-jws"), next("hub-jws-2")}, "hub-jws")) == "hub-jws-2 hub-jws ");
  BOOST_TEST(labels(jws_line({old("hub-jws", "active"), key("hub-jws-3")}, "hub-jws")) == "hub-jws hub-jws-3 ");
  BOOST_TEST(labels(jws_line({old("hub-jws", "deactivated"), key("hub-jws-3")}, "hub-jws")) == "hub-jws hub-jws-3 ");
  BOOST_TEST(labels(jws_line({old("hub-jws", "deactivated", false), key("hub-jws-3")}, "hub-jws")) ==
             "hub-jws? hub-jws-3 ");
}

BOOST_AUTO_TEST_CASE(a_key_that_was_only_made_for_later_or_was_ended_by_hand_is_not_shown) {
  SigningDaemon::Key alone = key("hub-jws");
  for (const char* state : {"pre_activation", "deactivated", "suspended", "missing"}) {
    alone.state = state;
    BOOST_TEST(!is_shown(alone), state);
  }
}

BOOST_AUTO_TEST_CASE(what_people_do_next_is_one_command) {
  BOOST_TEST(says(next_jws_steps({}, "hub-jws"), "hubseal key rotate hub-jws."));
  BOOST_TEST(says(next_jws_steps({key("hub-jws")}, "hub-jws"), "hubseal key rotate hub-jws."));
  BOOST_TEST(says(next_jws_steps({key("hub-jws"), next("hub-jws-2")}, "hub-jws"), "\"hub-jws-2\" is to take over"));
}

BOOST_AUTO_TEST_SUITE_END()
