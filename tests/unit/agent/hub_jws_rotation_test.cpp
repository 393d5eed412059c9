#include "agent/service/hub_jws_rotation.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent;

namespace {

SigningDaemon::Key key(const std::string& label, const std::string& state = "active", const std::string& use = "jws") {
  return {.label = label, .id = "00", .type = "ec_p256", .use = use, .state = state, .created_at = {}};
}

bool says(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(hub_jws_rotation)

BOOST_AUTO_TEST_CASE(the_keys_of_one_name_are_told_by_their_numbers) {
  const auto family =
      jws_family({key("hub-jws-2027"), key("other"), key("hub-jws-10"), key("hub-jws-x"), key("hub-jws"),
                  key("hub-jws-02"), key("hub-jws-1"), key("hub-jws-1234567"), key("hub-jws-"),
                  key("hub-jws-3", "active", "tls"), key("hub-jws-9", "destroyed"), key("hub-jws2")},
                 "hub-jws");
  std::vector<std::string> labels;
  for (const auto& one : family) labels.push_back(one.label);
  const std::vector<std::string> wanted = {"hub-jws", "hub-jws-9", "hub-jws-10", "hub-jws-2027"};
  BOOST_TEST(labels == wanted, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(each_state_of_a_rotation_has_its_next_step) {
  const auto next = [](const std::vector<SigningDaemon::Key>& family) { return next_jws_steps(family, "hub-jws"); };
  BOOST_TEST(says(next({}), "hubseal key create hub-jws-2 --type rsa_2048 --use jws --pre-activation"));
  BOOST_TEST(says(next({key("hub-jws")}), "hubseal key create hub-jws-2 --type ec_p256"));
  BOOST_TEST(says(next({key("hub-jws"), key("hub-jws-2", "pre_activation")}), "hubseal key activate hub-jws-2,"));
  BOOST_TEST(says(next({key("hub-jws"), key("hub-jws-2")}), "hubseal key deactivate hub-jws"));
  // A label stays taken when its key is gone.
  BOOST_TEST(says(next({key("hub-jws", "destroyed"), key("hub-jws-2027")}), "hubseal key create hub-jws-2028"));
}

BOOST_AUTO_TEST_SUITE_END()
