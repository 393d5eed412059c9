// The worked example of the Mojaloop API Signature 1.1 (chapter 4). Its header, body and key are right as they are
// printed; the signature lost hyphens to the ends of lines, and the body that is shown is not the one that was signed.
#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "common/files.h"
#include "common/jose/fspiop_signature.h"
#include "common/jose/jwk.h"
#include "tests/support/must.h"

using namespace hubseal;
using test::must;

namespace {

struct Example {
  const Json printed =
      must(parse_json(must(read_file("tests/vectors/fspiop_signature_1.1.json", 1 << 16, Trust::any))));
  const PkeyPtr key = must(jose::from_jwk(printed["key"]));
  const std::string protected_base64 = printed["protectedHeader"];
  const std::string protected_header = decoded("protectedHeader");
  const std::string body = decoded("payload");
  /// With the three hyphens back: base64url of a 2048-bit key's signature has 342 characters, and 339 are printed.
  const std::string signature = restored(printed["sentSignature"]);

  std::string decoded(const char* member) const {
    return std::string(as_text(must(from_base64url(printed[member].get<std::string>()))));
  }

  static std::string restored(std::string text) {
    for (const std::string_view line_end : {"XcEB", "hPPY", "dFGw"})
      text.insert(text.find(line_end) + line_end.size(), "-");
    return text;
  }

  /// The request with the headers of the example, signed so.
  jose::SignedRequest request(const std::string& with) const {
    return {"POST",
            "/quotes",
            {{"FSPIOP-Destination", "5678"},
             {"Accept", "application/vnd.interoperability.quotes+json;version=1.0"},
             {"Content-Length", "975"},
             {"Date", "Tue, 23 May 2017 21:12:31 GMT"},
             {"FSPIOP-Source", "1234"},
             {"FSPIOP-URI", "/quotes"},
             {"FSPIOP-HTTP-Method", "POST"},
             {"FSPIOP-Signature", dump_json({{"signature", with}, {"protectedHeader", protected_base64}})}},
            body};
  }

  std::string verdict(const jose::SignedRequest& request) const {
    const auto said = jose::verify_fspiop(request, key.get());
    return said ? "accepted" : said.error().message;
  }
};

constexpr const char* kDoesNotFit =
    "FSPIOP-Signature: the signature does not fit this body, this protected header and this key";

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fspiop_example, Example)

BOOST_AUTO_TEST_CASE(JWS_1_the_worked_example_of_the_specification_is_accepted_once_its_hyphens_are_back) {
  BOOST_TEST(body.size() == 975U);  // as its Content-Length says
  BOOST_TEST(signature.size() == 342U);
  BOOST_TEST(verdict(request(signature)) == "accepted");

  const std::string produced = printed["producedSignature"];
  const std::string sent = printed["sentSignature"];
  BOOST_TEST(verdict(request(produced)) == kDoesNotFit);
  BOOST_TEST(verdict(request(sent)) == kDoesNotFit);
  // Of the two that are printed the first says its beginning twice and lacks one hyphen, the second lacks three.
  BOOST_TEST(produced.substr(0, 42) == produced.substr(42, 42));
  const std::string once = produced.substr(42);
  BOOST_TEST(once.substr(0, 107).append("-").append(once.substr(107)) == signature);
}

BOOST_AUTO_TEST_CASE(JWS_1_what_we_have_a_key_sign_is_the_signing_input_of_the_worked_example) {
  BOOST_TEST(jose::signing_input(protected_header, body) ==
             protected_base64 + '.' + printed["payload"].get<std::string>());
  // RS256 draws no lots: what fits this input is what a token would have signed.
  BOOST_TEST(verify_signature(key.get(), SignatureAlgorithm::rsa_pkcs1_sha256,
                              as_bytes(jose::signing_input(protected_header, body)), must(from_base64url(signature))));
}

BOOST_AUTO_TEST_CASE(JWS_2_our_protected_header_of_the_worked_example_says_the_same_in_another_order) {
  const std::string ours = must(jose::protected_header(jose::FspiopAlgorithm::rs256,
                                                       {"POST",
                                                        must(jose::fspiop_uri("https://payeefsp.example.com/quotes")),
                                                        "1234",
                                                        "5678",
                                                        "Tue, 23 May 2017 21:12:31 GMT",
                                                        {}}));
  const auto unordered = [](const std::string& text) { return nlohmann::json::parse(text); };
  BOOST_TEST((unordered(ours) == unordered(protected_header)));
  BOOST_TEST(ours != protected_header);  // RFC 7515: either is right, because what was signed travels along
}

BOOST_AUTO_TEST_CASE(JWS_1_the_body_that_the_worked_example_shows_is_not_the_one_that_was_signed) {
  jose::SignedRequest shown = request(signature);
  const std::string bytes = dump_json(printed["displayedBody"]);
  shown.body = bytes;
  BOOST_TEST(verdict(shown) == kDoesNotFit);
  // Order apart, one thing differs: the list of extensions is an object where it is shown and was none when it was
  // signed.
  nlohmann::json signed_body = nlohmann::json::parse(body);
  nlohmann::json shown_body = nlohmann::json::parse(bytes);
  BOOST_TEST((shown_body["extensionList"]["extension"] == signed_body["extensionList"]));
  signed_body.erase("extensionList");
  shown_body.erase("extensionList");
  BOOST_TEST((shown_body == signed_body));
}

BOOST_AUTO_TEST_CASE(JWS_5_the_worked_example_under_another_header_is_refused_by_the_name_of_that_header) {
  for (const char* name : {"FSPIOP-Destination", "Date", "FSPIOP-Source", "FSPIOP-URI", "FSPIOP-HTTP-Method"}) {
    jose::SignedRequest altered = request(signature);
    for (auto& [there, value] : altered.headers)
      if (there == name) value += "0";
    BOOST_TEST(verdict(altered).starts_with(std::string(name).append(": the request says")), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
