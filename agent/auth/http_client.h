#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <Poco/Net/Context.h>
#include <Poco/URI.h>

#include "agent/auth/call_watch.h"
#include "common/result.h"

namespace hubseal::agent::auth {

/// An address at which secrets may be asked for: https, or http to this host itself. No user, no fragment.
/// Errors: bad_request.
Result<Poco::URI> parse_provider_url(const std::string& url);

/// Asks the identity provider. Follows no redirection, uses no proxy, believes no certificate that does not name the
/// host and lead to a trusted CA.
/// Threads: share it freely.
/// Errors: forbidden (a status of the client's fault), internal; in words for the log.
class HttpClient {
 public:
  /// `ca_file`: PEM of the CAs to trust; empty: those of the system. `timeout` is for a call as a whole, but for what
  /// the system takes to find the address of a name. Errors: bad_request (a file that cannot be used).
  static Result<HttpClient> make(const std::filesystem::path& ca_file, std::chrono::seconds timeout);

  /// The body of a 200, of at most `max_bytes`.
  Result<std::string> get(const std::string& url, std::size_t max_bytes) const;
  /// What a form, sent as RFC 6749 section 4.1.3 has it, is answered with. `authorization` is the header's value.
  Result<std::string> post_form(const std::string& url, const std::string& form, const std::string& authorization,
                                std::size_t max_bytes) const;

  /// Ends the calls that are under way and refuses all that follow.
  void stop() const { watch_->stop(); }

 private:
  struct Call;

  HttpClient(Poco::Net::Context::Ptr context, std::chrono::seconds timeout)
      : context_(std::move(context)), timeout_(timeout) {}

  Result<std::string> ask(const std::string& url, const Call& call, std::size_t max_bytes) const;
  Result<std::string> talk(const Poco::URI& uri, const Call& call, std::size_t max_bytes) const;

  Poco::Net::Context::Ptr context_;
  std::chrono::seconds timeout_;
  std::unique_ptr<CallWatch> watch_ = std::make_unique<CallWatch>();
};

}  // namespace hubseal::agent::auth
