// Messages with an FSPIOP-Signature, as they travel. A fuzzer cannot sign, so the first byte says what is signed here:
//   0  nothing: the request is checked as it came
//   1  what the value of its header "Protected" says, as a sender's protected header, whatever that is
//   2  the request itself, as a service of the hub asks for it: what we sign we accept
// What is accepted was signed, is what its headers and its request line say, and is accepted with no other body.
#include <algorithm>
#include <optional>

#include <nlohmann/json.hpp>

#include "cli/http_request.h"
#include "common/bytes.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/software_signer.h"

using namespace hubseal;

namespace {

EVP_PKEY* key() {
  static const PkeyPtr made = test::make_key(KeyType::ec_p256);
  return made.get();
}

void sign(jose::SignedRequest& request, std::string_view protected_header) {
  const std::string input = jose::signing_input(protected_header, request.body);
  const Bytes signature = test::sign_with(key(), SignatureAlgorithm::ecdsa_sha256, as_bytes(input));
  request.headers.emplace_back("FSPIOP-Signature", jose::signature_header(protected_header, signature));
}

/// Takes the header of exactly this name out of the request.
std::string take(jose::HttpHeader& headers, std::string_view name) {
  const auto found = std::find_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == name; });
  if (found == headers.end()) return "";
  std::string value = found->second;
  headers.erase(found);
  return value;
}

/// As sign_fspiop has it. Nothing: it was refused.
std::optional<jose::SignedRequest> as_a_service_sends_it(jose::SignedRequest request) {
  const auto uri = jose::fspiop_uri(request.target);
  if (!uri) return std::nullopt;
  jose::HttpHeader others = request.headers;
  const jose::FspiopMessage message{
      request.method,       *uri,  take(others, "FSPIOP-Source"), take(others, "FSPIOP-Destination"),
      take(others, "Date"), others};
  const auto header = jose::protected_header(jose::FspiopAlgorithm::es256, message);
  if (!header) {
    MUST_HOLD(header.error().code == Code::bad_request);
    return std::nullopt;
  }
  request.headers = others;
  for (const auto& [name, value] : {std::pair{"FSPIOP-Source", message.source},
                                    {"FSPIOP-Destination", message.destination},
                                    {"Date", message.date}})
    if (!value.empty()) request.headers.emplace_back(name, value);
  request.headers.emplace_back("FSPIOP-URI", *uri);
  request.headers.emplace_back("FSPIOP-HTTP-Method", request.method);
  sign(request, *header);
  return request;
}

bool sent_once(const jose::SignedRequest& request, std::string_view name, const std::string& value) {
  const auto same = [&](const auto& header) { return jose::same_header(header.first, name); };
  const auto found = std::find_if(request.headers.begin(), request.headers.end(), same);
  return found != request.headers.end() && found->second == value &&
         std::count_if(request.headers.begin(), request.headers.end(), same) == 1;
}

void must_be_what_was_signed(jose::SignedRequest request, const Json& said) {
  for (const char* name : {"alg", "FSPIOP-URI", "FSPIOP-HTTP-Method", "FSPIOP-Source"}) MUST_HOLD(said.contains(name));
  for (const auto& [name, value] : said.items()) {
    const bool jose_own = name == "alg" || name == "typ" || name == "cty" || name == "kid";
    MUST_HOLD(value.is_string() && (jose_own || sent_once(request, name, value.get<std::string>())));
  }
  MUST_HOLD(said["alg"] == "ES256" && said["FSPIOP-HTTP-Method"] == request.method);
  const std::string uri = said["FSPIOP-URI"];
  MUST_HOLD(jose::fspiop_uri(request.target).value() == uri && jose::fspiop_uri(uri).value() == uri);
  const std::string other = std::string(request.body) + ' ';
  request.body = other;
  MUST_HOLD(!jose::verify_fspiop(request, key()));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  auto parsed = cli::parse_http_request(text_of(data + 1, size - 1));
  if (!parsed) {
    MUST_HOLD(parsed.error().code == Code::bad_request);
    return 0;
  }
  jose::SignedRequest request = *std::move(parsed);
  const bool ours = data[0] == 2;
  if (data[0] == 1) sign(request, take(request.headers, "Protected"));
  if (ours) {
    auto sent = as_a_service_sends_it(std::move(request));
    if (!sent) return 0;
    request = *std::move(sent);
  }
  const auto said = jose::verify_fspiop(request, key());
  if (said) {
    MUST_HOLD(data[0] != 0);
    must_be_what_was_signed(request, *said);
  } else {
    MUST_HOLD(said.error().code == Code::bad_request && !ours);
  }
  return 0;
}
