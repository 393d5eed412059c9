#pragma once

#include <string>

#include <openssl/asn1.h>

namespace hubseal::agent {

/// The name of a signature algorithm as csrInfo and certInfo spell it; empty for an unknown one.
std::string signature_name(int nid);
/// "2026-11-24T09:00:00.000Z": clients read milliseconds.
std::string time_text(const ASN1_TIME* time);

}  // namespace hubseal::agent
