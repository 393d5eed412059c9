/// Words that several clauses use for what they found.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/conformance/finding.h"
#include "cli/conformance/installation.h"

namespace hubseal::cli::conformance {

std::string day(TimePoint time);                             ///< "2026-11-24"
std::string key_words(const EVP_PKEY* key);                  ///< "RSA-4096", "EC P-256"
std::string signature_words(const x509::Certificate&);       ///< "sha512WithRSAEncryption"
std::int64_t days_of(const x509::Certificate& certificate);  ///< whole days from notBefore to notAfter
bool is_rsa(const EVP_PKEY* key);
int bits_of(const EVP_PKEY* key);
/// Whether the extension is there and critical.
bool is_critical(const x509::Certificate& certificate, int nid);

/// "bank1's certificate 4f1c0a"
std::string name_of(const Issued& issued);
/// The CA of that name that has a certificate; null when there is none, or it could not be looked at.
const Authority* issuer_of(const Installation& found, const std::string& name);

/// What is wrong with a certificate; nothing when it is as the rule wants it.
using Fault = std::function<std::optional<std::string>(const Issued&)>;
/// Holds every certificate that was read to the rule. A few of those at fault are named. `praise` says what the others
/// are.
void judge_certificates(Finding& finding, const Installation& found, const std::string& praise, const Fault& fault,
                        Mark mark = Mark::bad);

}  // namespace hubseal::cli::conformance
