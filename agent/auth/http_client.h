#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include <Poco/Net/Context.h>
#include <Poco/URI.h>

#include "agent/auth/call_watch.h"
#include "agent/auth/wiped.h"
#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::agent::auth {

/// An address at which secrets may be asked for: https, or http to this host itself. No user, no fragment.
/// Errors: bad_request.
Result<Poco::URI> parse_provider_url(const std::string& url);

/// The value of the header Authorization for a client's own login (RFC 6749 section 2.3.1).
Wiped basic_authorization(std::string_view client_id, const SecretBytes& secret);

/// Asks the identity provider, or another service of the hub's. Follows no redirection, uses no proxy, believes no
/// certificate that does not name the host and lead to a trusted CA.
/// Threads: share it freely.
/// Errors: forbidden (a status of the client's fault), internal; in words for the log.
class HttpClient {
 public:
  /// `ca_file`: PEM of the CAs to trust; empty: those of the system. `timeout` is for a call as a whole, which
  /// begins when the system has found the address: how long that may take, resolv.conf says. Errors: bad_request (a
  /// file that cannot be used).
  static Result<HttpClient> make(const std::filesystem::path& ca_file, std::chrono::seconds timeout);

  /// A header that nobody may see.
  struct SecretHeader {
    std::string name;
    const SecretBytes& value;
  };
  struct Call {
    std::string method;
    std::string body = {};
    std::string media_type = {};           ///< of the body
    const Wiped* authorization = nullptr;  ///< the header's value
    const SecretHeader* secret = nullptr;
    CallWatch::Time until =
        CallWatch::Time::max();  ///< the end of what it is part of, where that comes first; nothing begins after it
  };
  struct Reply {
    int status = 0;
    std::string body;
  };
  /// What is answered with a status of 200 to 299 or 400 to 499; all others are errors. Both have at most `max_bytes`.
  Result<Reply> exchange(const std::string& url, const Call& call, std::size_t max_bytes) const;

  /// The body of a 200, of at most `max_bytes`.
  Result<std::string> get(const std::string& url, std::size_t max_bytes) const;
  /// What a form, sent as RFC 6749 section 4.1.3 has it, is answered with. `authorization`, the header's value, may be
  /// null.
  Result<std::string> post_form(const std::string& url, const std::string& form, const Wiped* authorization,
                                std::size_t max_bytes) const;

  /// Stores JSON at the address. What is answered, at most `max_bytes`, is read and told to nobody: a server that
  /// shows what it was sent would have the secret in our log.
  Result<> put_json(const std::string& url, const std::string& json, const SecretHeader& secret,
                    std::size_t max_bytes) const;

  /// Ends the calls that are under way and refuses all that follow.
  void stop() const { watch_->stop(); }

 private:
  HttpClient(Poco::Net::Context::Ptr context, std::chrono::seconds timeout)
      : context_(std::move(context)), timeout_(timeout) {}

  Result<std::string> ask(const std::string& url, const Call& call, std::size_t max_bytes) const;
  Result<Reply> talk(const Poco::URI& uri, const Call& call, std::size_t max_bytes) const;

  Poco::Net::Context::Ptr context_;
  std::chrono::seconds timeout_;
  std::unique_ptr<CallWatch> watch_ = std::make_unique<CallWatch>();
};

}  // namespace hubseal::agent::auth
