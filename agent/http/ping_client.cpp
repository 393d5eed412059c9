#include "agent/http/ping_client.h"

#include <array>
#include <istream>

#include <Poco/Net/HTTPClientSession.h>
#include <Poco/Net/HTTPRequest.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/URI.h>
#include <fmt/format.h>
#include <openssl/rand.h>
#include <nlohmann/json.hpp>

#include "common/json.h"

namespace hubseal::agent::http {
namespace {

constexpr std::size_t kMaxAnswerBytes = 16 * 1024;

}  // namespace

std::string new_ulid() {
  constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";  // Crockford's base 32
  constexpr int kTimeDigits = 10;
  constexpr std::size_t kRandomDigits = 16;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  auto time = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  std::string text;
  for (int i = 0; i < kTimeDigits; ++i, time /= kDigits.size())
    text.insert(text.begin(), kDigits[time % kDigits.size()]);
  std::array<std::uint8_t, kRandomDigits> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  for (const std::uint8_t byte : bytes) text += kDigits[byte % kDigits.size()];
  return text;
}

Result<std::string> PingClient::ask(const std::string& dfsp_id) const {
  try {
    const Poco::URI uri(url_);
    Poco::Net::HTTPClientSession session(uri.getHost(), uri.getPort());
    session.setTimeout(Poco::Timespan(static_cast<long>(timeout_.count()), 0));
    const std::string path = uri.getPathAndQuery();
    const std::string body = dump_json({{"requestId", new_ulid()}});
    Poco::Net::HTTPRequest request("POST", path.empty() ? "/" : path, "HTTP/1.1");
    request.setContentType("application/json");
    request.setContentLength(static_cast<std::streamsize>(body.size()));
    request.set("fspiop-destination", dfsp_id);
    session.sendRequest(request) << body;
    Poco::Net::HTTPResponse response;
    std::istream& stream = session.receiveResponse(response);
    if (response.getStatus() != Poco::Net::HTTPResponse::HTTP_OK)
      return fail(Code::internal,
                  fmt::format("the ping server answered with status {}", static_cast<int>(response.getStatus())));
    std::string answer(kMaxAnswerBytes + 1, '\0');
    stream.read(answer.data(), static_cast<std::streamsize>(answer.size()));
    answer.resize(static_cast<std::size_t>(stream.gcount()));
    if (answer.size() > kMaxAnswerBytes)
      return fail(Code::internal, fmt::format("the ping server's answer has more than {} bytes", kMaxAnswerBytes));
    return answer;
  } catch (const Poco::Exception& problem) {
    return fail(Code::internal, problem.displayText());
  }
}

}  // namespace hubseal::agent::http
