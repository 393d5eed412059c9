#include "common/wire/message.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::wire;

BOOST_AUTO_TEST_SUITE(message)

BOOST_AUTO_TEST_CASE(a_request_comes_back_as_it_was_sent) {
  const auto request = decode_request(encode_request({"r-81", "get_ca", {{"ca", "hub-ca"}}})).value();
  BOOST_TEST(request.id == "r-81");
  BOOST_TEST(request.op == "get_ca");
  BOOST_TEST(request.fields == (Json{{"ca", "hub-ca"}}));
}

BOOST_AUTO_TEST_CASE(anew_is_of_the_envelope_and_no_field_of_the_operation) {
  const auto request = decode_request(encode_request({"1", "unseal", {{"anew", true}}})).value();
  BOOST_TEST(request.anew);
  BOOST_TEST(request.fields.empty());
  BOOST_TEST(!decode_request(encode_request({"1", "unseal", Json::object()})).value().anew);
  BOOST_TEST(!decode_request(encode_request({"1", "unseal", {{"anew", 1}}})).has_value());
}

BOOST_AUTO_TEST_CASE(requests_without_version_id_or_operation_are_refused) {
  for (const char* bad :
       {"{}", "[]", R"({"v":1,"id":"1"})", R"({"v":1,"op":"health"})", R"({"id":"1","op":"health"})",
        R"({"v":2,"id":"1","op":"health"})", R"({"v":"1","id":"1","op":"health"})", R"({"v":1,"id":1,"op":"health"})",
        R"({"v":1,"id":"","op":"health"})", R"({"v":1,"id":"1","op":"he alth"})", R"({"v":1,"id":"1","op":"health"}x)",
        R"({"v":1,"v":1,"id":"1","op":"health"})", R"({"v":1,"id":"1","op":"health","x":[[[[[[]]]]]]})"}) {
    const auto decoded = decode_request(bad);
    BOOST_REQUIRE_MESSAGE(!decoded.has_value(), bad << " was accepted");
    BOOST_TEST((decoded.error().code == Code::bad_request));
  }
  BOOST_TEST((decode_request(std::string(kMaxLineBytes + 1, ' ')).error().code == Code::too_large));
}

BOOST_AUTO_TEST_CASE(a_private_key_is_refused_before_anything_repeats_it) {
  const std::string key = "-----BEGIN EC PRIVATE KEY-----\nMARK\n-----END EC PRIVATE KEY-----\n";
  const Json good = {{"v", 1}, {"id", "1"}, {"op", "health"}};
  for (const Json& more : {Json{{"csr", key}}, Json{{"names", {{"cn", {"a", key}}}}}, Json{{key, 1}}, Json{{"v", key}},
                           Json{{"id", key}}, Json{{"op", key}}}) {
    Json request = good;
    request.update(more);
    const auto decoded = decode_request(request.dump());
    BOOST_REQUIRE(!decoded.has_value());
    BOOST_TEST((decoded.error().code == Code::bad_request));
    BOOST_TEST(decoded.error().message.find("a private key must never be sent") != std::string::npos);
    BOOST_TEST(decoded.error().message.find("MARK") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_private_key_is_not_repeated_either_where_the_message_is_none) {
  const std::string key = R"("-----BEGIN PRIVATE KEY-----\nMARK\n-----END PRIVATE KEY-----\n")";
  for (const std::string& line : {std::string("{").append(key).append(":1,").append(key).append(":2}"),
                                  std::string("{\"v\":1,\"op\":").append(key), key}) {
    const auto decoded = decode_request(line);
    BOOST_REQUIRE(!decoded.has_value());
    BOOST_TEST(decoded.error().message.find("a private key must never be sent") != std::string::npos);
    BOOST_TEST(decoded.error().message.find("MARK") == std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(a_reply_is_the_ok_object_or_the_daemons_error) {
  BOOST_TEST(decode_reply(encode_ok("7", {{"a", 1}}), "7").value() == (Json{{"a", 1}}));
  const auto refused = decode_reply(encode_error("7", {Code::policy_denied, "no \"such\" thing\n"}), "7");
  BOOST_TEST((refused.error().code == Code::policy_denied));
  BOOST_TEST(refused.error().message == "no \"such\" thing\n");
}

BOOST_AUTO_TEST_CASE(every_code_travels) {
  for (const Code code : {Code::bad_request, Code::too_large, Code::forbidden, Code::not_found, Code::conflict,
                          Code::policy_denied, Code::approval_required, Code::hsm_busy, Code::rate_limited,
                          Code::hsm_unavailable, Code::storage_unavailable, Code::sealed, Code::internal}) {
    const auto reply = decode_reply(encode_error("1", {code, "m"}), "1");
    BOOST_TEST((reply.error().code == code), to_string(code));
  }
}

BOOST_AUTO_TEST_CASE(what_waits_for_approval_is_named) {
  const Error waiting{.code = Code::approval_required, .message = "m", .approval = "a-17"};
  BOOST_TEST(encode_error("1", waiting).find(R"("approval":"a-17")") != std::string::npos);
  BOOST_TEST(decode_reply(encode_error("1", waiting), "1").error().approval == "a-17");
  BOOST_TEST(encode_error("1", {Code::conflict, "m"}).find("approval") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_understood_is_no_mistake_of_who_asked) {
  for (const std::string& line :
       {encode_ok("8", Json::object()), std::string(R"({"v":1,"id":"7"})"), std::string(R"({"v":2,"id":"7","ok":{}})"),
        std::string(R"({"v":1,"id":"7","ok":[]})"), std::string(R"({"v":1,"id":"7","error":{"code":"conflict"}})"),
        std::string("ok"), std::string()}) {
    const auto reply = decode_reply(line, "7");
    BOOST_REQUIRE_MESSAGE(!reply.has_value(), line << " was accepted");
    BOOST_TEST((reply.error().code == Code::internal), line);
    BOOST_TEST(reply.error().message.starts_with("hubseald's answer is not understood: "), reply.error().message);
  }
}

BOOST_AUTO_TEST_CASE(a_reply_is_one_line_whatever_it_carries) {
  const std::string line = encode_ok("id\n", {{"pem", "-----BEGIN\nX\n"}});
  BOOST_TEST(line.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
