#include "agent/http/connection.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <Poco/Net/HTTPServerSession.h>
#include <Poco/Net/SocketImpl.h>
#include <fmt/format.h>

#include "agent/auth/wiped.h"
#include "agent/http/chunks.h"
#include "agent/http/response_head.h"
#include "common/log.h"
#include "common/log_context.h"

namespace hubseal::agent::http {

/// Opens the buffered reading of Poco's session to the connection. At the end of the stream read()
/// gives 0 and refill() leaves nothing buffered; a failed socket throws.
class Session final : public Poco::Net::HTTPServerSession {
 public:
  using HTTPServerSession::HTTPServerSession;
  using HTTPSession::buffered;
  using HTTPSession::get;
  using HTTPSession::read;
  using HTTPSession::refill;
  using HTTPSession::write;
};

namespace {

constexpr std::size_t kMaxLingerBytes = 16 * 1024 * 1024;

constexpr int kRetryAfterSeconds = 5;

enum class Head { complete, closed, too_large };

/// Reads up to and with the empty line that ends the header. Nobody else decides where that is: a line
/// that ends with LF alone ends the reading too, and parse_header_block refuses it.
Head read_head(Session& session, std::string& text) {
  while (text.size() <= kMaxHeaderBytes) {
    if (session.buffered() == 0) session.refill();
    if (session.buffered() == 0) return Head::closed;
    // What get() returns cannot tell the byte 0xff from the end of the stream; buffered() can.
    const char c = static_cast<char>(session.get());
    text += c;
    if (c != '\n') continue;
    if (text == "\r\n")
      text.clear();  // before a request line, empty lines are ignored: RFC 9112 section 2.2
    else if (text.ends_with("\r\n\r\n") || !text.ends_with("\r\n"))
      return Head::complete;
  }
  return Head::too_large;
}

/// False when the stream ended before the body did.
bool read_fixed(Session& session, std::size_t length, std::string& body) {
  body.resize(length);
  std::size_t filled = 0;
  while (filled < length) {
    const int got = session.read(body.data() + filled, static_cast<std::streamsize>(length - filled));
    if (got <= 0) return false;
    filled += static_cast<std::size_t>(got);
  }
  return true;
}

/// Chunks::State::more when the stream ended before the body did.
Chunks::State read_chunks(Session& session, std::string& body, std::size_t limit) {
  Chunks chunks(body, limit);
  Chunks::State state = Chunks::State::more;
  while (state == Chunks::State::more) {
    if (session.buffered() == 0) session.refill();
    if (session.buffered() == 0) break;
    state = chunks.take(static_cast<char>(session.get()));
  }
  return state;
}

/// Takes in what the client still sends: closing over unread bytes resets the connection, and the
/// client would never see why it was refused.
void linger(Session& session) {
  char chunk[16 * 1024];
  std::size_t taken = 0;
  while (taken < kMaxLingerBytes) {
    const int got = session.read(chunk, sizeof chunk);
    if (got <= 0) return;
    taken += static_cast<std::size_t>(got);
  }
}

Answer refusal(int status, std::string_view why, const std::string& correlation_id) {
  Answer answer = framework_error(status, why, {}, correlation_id);
  answer.close = true;
  return answer;
}

Answer too_large(std::size_t limit, const std::string& correlation_id) {
  return refusal(413, fmt::format("request body has more than {} bytes", limit), correlation_id);
}

Answer too_slow(const Watch::Entry& entry, const std::string& correlation_id) {
  if (!entry.crowded_out()) return refusal(408, "the request was not complete in time", correlation_id);
  Answer answer =
      refusal(503, "too many requests of your address were not complete; this one had waited longest", correlation_id);
  answer.retry_after_seconds = kRetryAfterSeconds;
  return answer;
}

/// Whether something comes before `patience` is over. Not with Poco's poll() where nothing is encrypted: it makes an
/// epoll instance for each call, and closes it.
bool await(Session& session, Poco::Timespan patience, bool secure) {
  if (session.buffered() > 0) return true;
  if (secure) return session.socket().poll(patience, Poco::Net::Socket::SELECT_READ);  // it may hold decrypted bytes
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(patience.totalMicroseconds());
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd waiting{session.socket().impl()->sockfd(), POLLIN, 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready >= 0 || errno != EINTR) return ready > 0;
  }
}

/// Without its query, in which a provider sends what opens a session.
std::string shown(const std::string& target) { return target.substr(0, std::min<std::size_t>(target.find('?'), 200)); }

}  // namespace

Connection::Connection(const Poco::Net::StreamSocket& socket, Poco::Net::HTTPServerParams::Ptr params,
                       const Pipeline& pipeline, Watch& watch, bool secure)
    : TCPServerConnection(socket), params_(std::move(params)), pipeline_(pipeline), watch_(watch), secure_(secure) {}

void Connection::run() {
  try {
    const Poco::Net::SocketAddress peer = socket().peerAddress();
    peer_ = peer.toString();
    Watch::Entry entry(watch_, socket().impl()->sockfd(), peer.host().toString());
    const Poco::Timespan first = params_->getTimeout(), next = params_->getKeepAliveTimeout();
    Session session(socket(), params_);
    session.socket().setSendTimeout(first);
    for (Poco::Timespan patience = first;; patience = next) {
      if (!await(session, patience, secure_)) return;
      entry.enter(Phase::reading);
      if (!serve_one(session, entry)) return;
      entry.enter(Phase::idle);
    }
  } catch (const Poco::Exception&) {
    // The peer went away, or was too slow: nobody is left to be told.
  } catch (const std::exception& problem) {
    log::error("connection failed", {{"problem", problem.what()}});
  }
}

bool Connection::serve_one(Session& session, Watch::Entry& entry) {
  std::string head;
  const Head state = read_head(session, head);
  const std::string correlation_id = new_correlation_id();
  if (state == Head::closed) {
    if (head.empty() || !entry.expired()) return false;
    Answer answer = too_slow(entry, correlation_id);
    pipeline_.requests().count(answer);
    send(session, answer, correlation_id, false, false);
    return false;
  }
  const log::Context context({"correlation", correlation_id});
  const auto start = std::chrono::steady_clock::now();
  HeaderBlock block;
  Answer answer;
  if (state == Head::too_large) {
    answer = refusal(431, fmt::format("request header has more than {} bytes", kMaxHeaderBytes), correlation_id);
  } else if (auto parsed = parse_header_block(head); !parsed) {
    answer = refusal(400, parsed.error().message, correlation_id);
  } else {
    block = *std::move(parsed);
    block.request.peer = peer_;
    answer = read_and_answer(session, entry, block, correlation_id);
  }
  pipeline_.requests().count(answer);
  entry.enter(Phase::writing);
  // After chunks nothing is taken for a further request: where they ended is the client's word.
  const bool keep_alive =
      block.keep_alive && !answer.close && !block.chunked && !watch_.draining() && !entry.is_to_go();
  const bool sent = send(session, answer, correlation_id, keep_alive, block.request.method == "HEAD");
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start);
  log::info("request", {{"correlation", correlation_id},
                        {"peer", block.request.peer},
                        {"method", block.request.method},
                        {"target", shown(block.request.target)},
                        {"status", std::to_string(answer.status)},
                        {"caller", answer.caller},
                        {"milliseconds", std::to_string(took.count())}});
  if (sent && answer.close) {
    entry.enter(Phase::lingering);
    if (!secure_) session.socket().shutdownSend();  // the client sees at once that nothing follows
    linger(session);
  }
  return sent && keep_alive;
}

Answer Connection::read_and_answer(Session& session, Watch::Entry& entry, HeaderBlock& block,
                                   const std::string& correlation_id) {
  const bool may_be_larger = block.chunked || block.content_length > kMaxBodyBytes;
  const std::size_t limit = may_be_larger ? pipeline_.max_body_bytes(block.request) : kMaxBodyBytes;
  if (block.content_length > limit) return too_large(limit, correlation_id);
  if (block.expects_continue && (block.chunked || block.content_length > 0)) {
    constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    session.write(kContinue.data(), kContinue.size());
  }
  bool complete = false;
  if (block.chunked) {
    const Chunks::State state = read_chunks(session, block.request.body, limit);
    if (state == Chunks::State::too_large) return too_large(limit, correlation_id);
    if (state == Chunks::State::broken) return refusal(400, "the body is not made of chunks", correlation_id);
    complete = state == Chunks::State::complete;
  } else {
    complete = read_fixed(session, block.content_length, block.request.body);
  }
  if (!complete || entry.expired()) return too_slow(entry, correlation_id);
  entry.enter(Phase::working);
  return pipeline_.answer(block.request, correlation_id);
}

bool Connection::send(Session& session, Answer& answer, const std::string& correlation_id, bool keep_alive,
                      bool headers_only) const {
  const auth::WipeAtEnd wiped_body(answer.secret ? &answer.body : nullptr);
  std::string bytes = response_head(answer, correlation_id, {.keep_alive = keep_alive, .secure = secure_});
  const auth::WipeAtEnd wiped_bytes(answer.secret ? &bytes : nullptr);
  if (!headers_only) bytes += answer.body;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const int put = session.write(bytes.data() + sent, static_cast<std::streamsize>(bytes.size() - sent));
    if (put <= 0) return false;
    sent += static_cast<std::size_t>(put);
  }
  return true;
}

}  // namespace hubseal::agent::http
