/// Asks the daemon; only operations that read. Of these, a question to an OCSP responder is recorded in the audit
/// log.
#pragma once

#include <string>
#include <string_view>

#include "cli/conformance/installation.h"
#include "cli/session.h"

namespace hubseal::cli::conformance {

/// Errors: those of `health` and `version`, without which there is nothing to report on.
Result<Installation> gather(const Session& session);

// What it is put together from.
Result<std::vector<Authority>> gather_authorities(const Session& session, const Json& names,
                                                  const Result<Certificates>& certificates, TimePoint now);
Result<Certificates> gather_certificates(const Session& session, TimePoint now);
Result<Log> gather_log(const Session& session);

/// A policy as get_policy shows it. Errors: bad_request.
Result<Policy> read_policy(const Json& answer);
/// Errors: bad_request.
Result<Crl> read_crl(ByteView der, const x509::Certificate& issuer);

/// An OCSP question about one certificate, and what the answer to it says.
class OcspQuestion {
 public:
  /// Errors: internal.
  static Result<OcspQuestion> about(const x509::Serial& serial, const x509::Certificate& issuer);
  const Bytes& der() const { return der_; }
  /// Errors: bad_request; hsm_unavailable where the responder says that it does not answer now.
  Result<Ocsp> read(ByteView response, const x509::Certificate& issuer) const;

 private:
  explicit OcspQuestion(Bytes der) : der_(std::move(der)) {}
  Bytes der_;
};

}  // namespace hubseal::cli::conformance
