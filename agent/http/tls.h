#pragma once

#include <filesystem>

#include <Poco/Net/Context.h>

#include "common/result.h"

namespace hubseal::agent::http {

struct TlsFiles {
  std::filesystem::path certificate;  ///< PEM: the server's certificate, then intermediates
  std::filesystem::path private_key;  ///< PEM, not encrypted, mode 0600
};

/// TLS 1.2 or later, ECDHE with AES-GCM (PKI-10).
/// Errors: bad_request, not_found: what is wrong with which file.
Result<Poco::Net::Context::Ptr> make_tls_context(const TlsFiles& files);

}  // namespace hubseal::agent::http
