#include "common/jose/fspiop_signature.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "tests/support/must.h"
#include "tests/support/software_signer.h"

using namespace hubseal;
using jose::FspiopAlgorithm;
using test::must;

namespace {

const std::string kBody =
    "{ \"amount\":{\"amount\" : \"150\",\"currency\":\"USD\"}, \"note\": \"caf\\u00e9 \xc3\xa9\" }\n";

/// A source with its key, and a message of it as it arrives.
struct Source {
  explicit Source(KeyType type = KeyType::rsa_2048) : key(test::make_key(type)) {}

  jose::SignedRequest sign(FspiopAlgorithm algorithm, const jose::FspiopMessage& message) {
    return sign_header(algorithm, must(jose::protected_header(algorithm, message)));
  }

  jose::SignedRequest sign_header(FspiopAlgorithm algorithm, const std::string& header) {
    const std::string input = jose::signing_input(header, kBody);
    const Bytes signature = test::sign_with(key.get(), jose::signature_algorithm(algorithm), as_bytes(input));
    jose::SignedRequest request = arrived();
    request.headers.emplace_back("fspiop-signature", jose::signature_header(header, signature));
    return request;
  }

  static jose::SignedRequest arrived() {
    return {"POST",
            "/fspiop/quotes?page=1",
            {{"fspiop-uri", "/quotes?page=1"},
             {"FSPIOP-HTTP-METHOD", "POST"},
             {"fspiop-source", "hub"},
             {"fspiop-destination", "bank1"},
             {"date", "Sun, 29 Nov 2026 10:00:00 GMT"}},
            kBody};
  }

  PkeyPtr key;
};

jose::FspiopMessage message() {
  return {"POST", "/quotes?page=1", "hub", "bank1", "Sun, 29 Nov 2026 10:00:00 GMT", {}};
}

Json header_json() { return must(parse_json(must(jose::protected_header(FspiopAlgorithm::rs256, message())))); }

std::string why(const Result<Json>& result) { return result ? "it is accepted" : result.error().message; }

std::string& value(jose::SignedRequest& request, std::string_view name) {
  for (auto& [there, text] : request.headers)
    if (jose::same_header(there, name)) return text;
  throw std::runtime_error("no such header");
}

void remove(jose::SignedRequest& request, std::string_view name) {
  std::erase_if(request.headers, [&](const auto& header) { return jose::same_header(header.first, name); });
}

bool starts(const std::string& text, std::string_view beginning) { return text.starts_with(beginning); }

}  // namespace

BOOST_AUTO_TEST_SUITE(fspiop_signature)

BOOST_AUTO_TEST_CASE(JWS_1_a_message_is_accepted_with_the_bytes_that_were_signed_and_with_no_others) {
  Source source;
  jose::SignedRequest request = source.sign(FspiopAlgorithm::rs256, message());
  const Json said = must(jose::verify_fspiop(request, source.key.get()));
  BOOST_TEST(said["FSPIOP-Source"] == "hub");

  // The same JSON, in other bytes.
  const std::string other = must(parse_json(kBody)).dump();
  request.body = other;
  BOOST_TEST(
      starts(why(jose::verify_fspiop(request, source.key.get())), "FSPIOP-Signature: the signature does not fit"));
}

BOOST_AUTO_TEST_CASE(JWS_2_each_algorithm_of_the_list_is_accepted_with_a_key_of_its_kind) {
  for (const auto& [type, algorithm] :
       {std::pair{KeyType::rsa_2048, FspiopAlgorithm::rs256}, std::pair{KeyType::rsa_2048, FspiopAlgorithm::rs384},
        std::pair{KeyType::rsa_3072, FspiopAlgorithm::rs512}, std::pair{KeyType::ec_p256, FspiopAlgorithm::es256}}) {
    Source source(type);
    const auto request = source.sign(algorithm, message());
    BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) == "it is accepted");
    const Json header = must(parse_json(request.headers.back().second));
    BOOST_TEST(header["signature"].get<std::string>().size() <= 512);
  }
}

BOOST_AUTO_TEST_CASE(JWS_2_a_key_of_another_size_is_refused_with_the_reason) {
  Source source(KeyType::rsa_4096);
  const auto refused = jose::verify_fspiop(Source::arrived(), source.key.get());
  BOOST_TEST(starts(why(refused),
                    "the key cannot sign messages: rsa_4096; wanted rsa_2048, rsa_3072 or ec_p256, because a "
                    "signature has at most 512 characters"));
  BOOST_TEST(!jose::check_fspiop_key(KeyType::ec_p384).has_value());
}

BOOST_AUTO_TEST_CASE(JWS_5_no_algorithm_but_those_of_the_list_is_believed_whatever_the_key_is) {
  Source source;
  for (const char* algorithm : {"none", "HS256", "PS256", "ES256", "rs256", "RS256 ", "ES384"}) {
    Json header = header_json();
    header["alg"] = algorithm;
    const auto request = source.sign_header(FspiopAlgorithm::rs256, header.dump());
    BOOST_TEST(starts(why(jose::verify_fspiop(request, source.key.get())), "alg: it is "), algorithm);
  }
  Json header = header_json();
  header.erase("alg");
  BOOST_TEST(
      starts(why(jose::verify_fspiop(source.sign_header(FspiopAlgorithm::rs256, header.dump()), source.key.get())),
             "alg: it is not in the protected header"));
}

BOOST_AUTO_TEST_CASE(JWS_5_every_protected_value_is_that_of_its_http_header_or_the_header_is_named) {
  Source source;
  for (const char* name : {"FSPIOP-URI", "FSPIOP-HTTP-Method", "FSPIOP-Source", "FSPIOP-Destination", "Date"}) {
    auto request = source.sign(FspiopAlgorithm::rs256, message());
    value(request, name) += "x";
    BOOST_TEST(
        starts(why(jose::verify_fspiop(request, source.key.get())), std::string(name).append(": the request says")),
        name);
    remove(request, name);
    BOOST_TEST(starts(why(jose::verify_fspiop(request, source.key.get())),
                      std::string(name).append(": it is in the protected header, and the request has no such header")),
               name);
    auto twice = source.sign(FspiopAlgorithm::rs256, message());
    twice.headers.emplace_back(name, "other");
    BOOST_TEST(starts(why(jose::verify_fspiop(twice, source.key.get())),
                      std::string(name).append(": the request has this header twice")),
               name);
  }
}

BOOST_AUTO_TEST_CASE(JWS_5_what_must_be_signed_is_signed_or_named) {
  Source source;
  for (const char* name : {"FSPIOP-URI", "FSPIOP-HTTP-Method", "FSPIOP-Source"}) {
    Json header = header_json();
    header.erase(name);
    BOOST_TEST(
        starts(why(jose::verify_fspiop(source.sign_header(FspiopAlgorithm::rs256, header.dump()), source.key.get())),
               std::string(name).append(": it is not in the protected header")),
        name);
  }
  Json header = header_json();
  header.erase("FSPIOP-Destination");
  header.erase("Date");  // which need not be signed
  const auto request = source.sign_header(FspiopAlgorithm::rs256, header.dump());
  BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) ==
             "FSPIOP-Destination: the request has it, and it was not signed");
}

BOOST_AUTO_TEST_CASE(JWS_5_the_request_line_counts_and_not_what_its_headers_say_of_it) {
  Source source;
  auto request = source.sign(FspiopAlgorithm::rs256, message());
  request.method = "PUT";
  BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) ==
             "FSPIOP-HTTP-Method: the request is a PUT, and POST was signed");
  request = source.sign(FspiopAlgorithm::rs256, message());
  request.target = "/fspiop/transfers?page=1";
  BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) ==
             "FSPIOP-URI: the request goes to \"/transfers?page=1\", and \"/quotes?page=1\" was signed");
}

BOOST_AUTO_TEST_CASE(JWS_5_what_would_have_a_say_in_how_the_signature_is_read_is_refused) {
  Source source;
  for (const char* name : {"jwk", "jku", "x5u", "x5c", "crit", "b64", "enc"}) {
    Json header = header_json();
    header[name] = "x";
    BOOST_TEST(
        starts(why(jose::verify_fspiop(source.sign_header(FspiopAlgorithm::rs256, header.dump()), source.key.get())),
               std::string(name).append(": it may not stand in the protected header")),
        name);
    // Nor if the sender puts it into the request as well.
    auto request = source.sign_header(FspiopAlgorithm::rs256, header.dump());
    request.headers.emplace_back(name, "x");
    BOOST_TEST(starts(why(jose::verify_fspiop(request, source.key.get())),
                      std::string(name).append(": it may not stand in the protected header")),
               name);
  }
}

BOOST_AUTO_TEST_CASE(JWS_5_every_protected_value_is_a_string_also_where_nothing_depends_on_it) {
  Source source;
  for (const char* name : {"kid", "typ", "cty"})
    for (const Json& other : {Json(1), Json::object(), Json(nullptr)}) {
      Json header = header_json();
      header[name] = other;
      const auto request = source.sign_header(FspiopAlgorithm::rs256, header.dump());
      BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) ==
                 std::string(name).append(": in the protected header it is no string"));
    }
}

BOOST_AUTO_TEST_CASE(JWS_1_a_signature_header_of_another_form_is_refused) {
  Source source;
  const std::string good = source.sign(FspiopAlgorithm::rs256, message()).headers.back().second;
  const Json parts = must(parse_json(good));
  std::string twice = good;
  twice.insert(1, "\"signature\":\"AAAA\",");
  Json more = parts;
  more["key"] = "x";
  Json padded = parts;
  padded["signature"] = parts["signature"].get<std::string>() + "==";
  Json longer = parts;
  longer["signature"] = std::string(516, 'A');
  Json numbers = parts;
  numbers["protectedHeader"] = 7;
  Json no_json = parts;
  no_json["protectedHeader"] = "AAAA";
  for (const std::string& bad : {std::string("x"), std::string("[]"), std::string("{}"), twice, more.dump(),
                                 padded.dump(), longer.dump(), numbers.dump(), no_json.dump()}) {
    auto request = Source::arrived();
    request.headers.emplace_back("FSPIOP-Signature", bad);
    BOOST_TEST(starts(why(jose::verify_fspiop(request, source.key.get())), "FSPIOP-Signature: "), bad);
  }
  BOOST_TEST(why(jose::verify_fspiop(Source::arrived(), source.key.get())) ==
             "FSPIOP-Signature: the request has no such header");
}

BOOST_AUTO_TEST_CASE(JWS_3_the_uri_begins_at_the_resource_and_what_is_no_message_of_the_api_has_none) {
  for (const auto& [uri, wanted] :
       {std::pair{"https://bank1.example:4000/v1/quotes/7c23?x=/parties/1", "/quotes/7c23?x=/parties/1"},
        std::pair{"/parties/MSISDN/123", "/parties/MSISDN/123"}, std::pair{"/transfers", "/transfers"},
        std::pair{"http://h/bulkTransfers/1/error", "/bulkTransfers/1/error"},
        std::pair{"/parties/BUSINESS/quotes", "/parties/BUSINESS/quotes"}})
    BOOST_TEST(must(jose::fspiop_uri(uri)) == wanted);
  for (const char* uri :
       {"", "/", "quotes", "/admin/keys", "https://quotes", "https://h?/quotes/1", "/quotesx/1", "/quotes/../admin",
        "/quotes/./1", "/quotes/1#x", "/quotes/a b", "/quotes/\xc3\xa9", "/quotes/\n"})
    BOOST_TEST(!jose::fspiop_uri(uri).has_value(), uri);
  BOOST_TEST(!jose::fspiop_uri(std::string("/quotes/").append(2048, 'a')).has_value());
}

BOOST_AUTO_TEST_CASE(JWS_3_a_path_that_some_receiver_reads_as_another_is_refused) {
  for (const char* uri : {"/quotes/%2e%2e/transfers/1", "/quotes/.%2E/transfers/1", "/quotes/%2e",
                          "/quotes/..%2ftransfers/1", "/quotes/1%2F..%2F../transfers/1", "/quotes/..%5Ctransfers/1",
                          "/quotes/..;/transfers/1", "/quotes/%2e%2e%3bx/transfers/1", "/a/%2e%2e/quotes/1",
                          "/quotes/%", "/quotes/%2", "/quotes/%zz", "/quotes/1?x=%g0"})
    BOOST_TEST(!jose::fspiop_uri(uri).has_value(), uri);
  for (const char* uri : {"/parties/ALIAS/..x%2Fy..", "/parties/EMAIL/a%40b.example", "/parties/ALIAS/...",
                          "/parties/ALIAS/a;b", "/quotes/1?x=%2e%2e/"})
    BOOST_TEST(must(jose::fspiop_uri(uri)) == uri);
}

BOOST_AUTO_TEST_CASE(JWS_2_a_header_that_http_would_not_carry_as_it_is_is_not_signed) {
  for (const char* bad : {"", " hub", "hub ", "hu\nb", "hu\tb",
                          "h\xc3\xbc"
                          "b"}) {
    auto wrong = message();
    wrong.source = bad;
    BOOST_TEST(!jose::protected_header(FspiopAlgorithm::rs256, wrong).has_value(), bad);
  }
  for (const char* name : {"", "alg", "CRIT", "b64", "fspiop-uri", "a b", "a:b", "X-A"}) {
    auto wrong = message();
    wrong.others = {{"x-a", "1"}, {name, "1"}};
    BOOST_TEST(!jose::protected_header(FspiopAlgorithm::rs256, wrong).has_value(), name);
  }
  auto more = message();
  more.others = {{"X-Trace", "1"}};
  BOOST_TEST(
      must(jose::protected_header(FspiopAlgorithm::rs256, more)) ==
      "{\"alg\":\"RS256\",\"FSPIOP-URI\":\"/quotes?page=1\",\"FSPIOP-HTTP-Method\":\"POST\",\"FSPIOP-Source\":\"hub\","
      "\"FSPIOP-Destination\":\"bank1\",\"Date\":\"Sun, 29 Nov 2026 10:00:00 GMT\",\"X-Trace\":\"1\"}");
}

// What is signed as these is refused by every verifier: one cannot be there, the others are not found in another case.
BOOST_AUTO_TEST_CASE(JWS_2_a_further_header_is_none_that_has_a_place_of_its_own) {
  for (const char* name : {"FSPIOP-Signature", "fspiop-signature", "fspiop-destination", "date"}) {
    auto wrong = message();
    wrong.destination = wrong.date = "";
    wrong.others = {{name, "1"}};
    const auto refused = jose::protected_header(FspiopAlgorithm::rs256, wrong);
    BOOST_TEST((refused ? "" : refused.error().message).ends_with("it has a place of its own"), name);
  }
}

// 16 headers of 1024 characters, each of which JSON writes as two.
BOOST_AUTO_TEST_CASE(JWS_5_the_longest_message_that_is_signed_is_accepted) {
  Source source;
  auto longest = message();
  longest.uri = std::string("/quotes/").append(jose::kMaxFspiopUri - 8, 'a');
  for (std::size_t n = 0; n < jose::kMaxFspiopOthers; ++n)
    longest.others.emplace_back("X-" + std::string(n + 1, 'h'), std::string(jose::kMaxFspiopValue, '"'));
  BOOST_TEST(must(jose::fspiop_uri(longest.uri)) == longest.uri);
  auto request = source.sign(FspiopAlgorithm::rs256, longest);
  request.target = value(request, "FSPIOP-URI") = longest.uri;
  request.headers.insert(request.headers.end(), longest.others.begin(), longest.others.end());
  BOOST_TEST(why(jose::verify_fspiop(request, source.key.get())) == "it is accepted");

  auto longer = longest;
  longer.uri += 'a';
  BOOST_TEST(!jose::protected_header(FspiopAlgorithm::rs256, longer).has_value());
  longer = longest;
  longer.others.front().second += 'a';
  BOOST_TEST(!jose::protected_header(FspiopAlgorithm::rs256, longer).has_value());
  longer = longest;
  longer.others.emplace_back("X-More", "1");
  BOOST_TEST(!jose::protected_header(FspiopAlgorithm::rs256, longer).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
