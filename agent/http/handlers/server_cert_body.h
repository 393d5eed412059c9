/// A TLS server's certificate as it is sent, by participants and for the hub.
#pragma once

#include <optional>
#include <string>

#include "agent/http/schema.h"

namespace hubseal::agent::http {

/// rootCertificate, intermediateChain and serverCertificate, which may be `required`.
Schema server_cert_schema(bool required);
/// The intermediateChain: one text, or several, which become one.
std::optional<std::string> chain_of(const Json& body);

}  // namespace hubseal::agent::http
