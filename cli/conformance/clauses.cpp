#include "cli/conformance/clauses.h"

#include "cli/conformance/checks.h"

namespace hubseal::cli::conformance {
namespace {

constexpr Clause kPki[] = {
    {"PKI-1", "Hub root: self-signed, RSA of at least 4096 bits, sha512WithRSAEncryption, CA:TRUE, ten years",
     "RSA-4096 or more, sha512WithRSAEncryption, CA:TRUE, 3650 to 3654 days, self-signed, valid now",
     &checks::root_certificate},
    {"PKI-2", "Roll-over after eight years with a new key pair; the old root stays trusted until it expires",
     "a successor with another key after eight years, and an overlap that is managed", &checks::roll_over},
    {"PKI-3", "Three kinds of participant certificate: TLS, signature, encryption",
     "TLS: digitalSignature and keyEncipherment, serverAuth or clientAuth; signature: digitalSignature; encryption: "
     "keyEncipherment",
     &checks::kinds_of_certificate},
    {"PKI-4", "Participants: RSA of at least 2048 bits, sha256WithRSAEncryption, CA:FALSE, two years",
     "rsa_2048 or more, sha256, 730 days in every profile and certificate", &checks::participants_certificates},
    {"PKI-5", "Subject with CN, O and C; a CN never for two organisations",
     "CN, O and C required by every profile, a closed register, no CN of two participants", &checks::subjects},
    {"PKI-6", "CRL distribution point and OCSP URL in every certificate",
     "crl_urls and ocsp_urls in every profile, both in every certificate", &checks::addresses},
    {"PKI-7", "Revocation; CRL at least daily; OCSP with nonce; hold",
     "a CRL of the last 25 hours that is good now, an OCSP answer with our nonce, not sealed", &checks::revocation},
    {"PKI-8", "A public key that was certified is not certified again", "a key of its own in every certificate",
     &checks::keys_certified_once},
    {"PKI-9", "Renewal from month 18 of 24, both valid meanwhile", "renew_from_days from 540 to 550 in every profile",
     &checks::renewal},
    {"PKI-10", "TLS 1.2 or later, mutual; ECDHE with AES-GCM first", "a listener that asks clients for certificates",
     &checks::tls},
};

constexpr Clause kJws[] = {
    {"JWS-1", "FSPIOP-Signature is an object of signature and protectedHeader; the payload is the exact body, detached",
     "signatures in this form", &checks::signature_object},
    {"JWS-2", "Protected header alg, FSPIOP-URI, FSPIOP-HTTP-Method, FSPIOP-Source; RSA of 2048 to 3072 bits",
     "rsa_2048 or rsa_3072 for JWS, and the four members in the header", &checks::protected_header},
    {"JWS-3", "FSPIOP-URI is the path from the resource name on", "such a member in the header", &checks::message_uri},
    {"JWS-4", "Requests are signed, responses never", "a signer that tells them apart", &checks::requests_only},
    {"JWS-5", "A verifier compares every protected value with its HTTP header and takes listed algorithms only",
     "a verifier", &checks::verifier},
    {"sdk-standard-components", "What is signed validates in the npm package that participants run",
     "a signature that its validator takes", &checks::validator_of_participants},
};

constexpr Clause kX509[] = {
    {"RFC 5280 4.1.2.2", "Serial positive, at most 20 octets, 64 random bits or more; never twice",
     "such serial numbers, each once for its CA", &checks::serials},
    {"RFC 5280 4.1.2.4", "Issuer byte for byte the CA's subject", "the same bytes, and a signature of that CA",
     &checks::issuers},
    {"RFC 5280 4.2.1.1 to 4.2.1.3", "Key identifiers; key usage critical; basicConstraints critical on CAs",
     "these extensions in every certificate", &checks::extensions},
    {"RFC 5280 4.1.2.5", "Validity within the issuer's", "no certificate that begins before its CA or outlives it",
     &checks::validity_within_issuer},
    {"RFC 5280 4.2.1.10", "Name constraints where a CA is scoped, critical; what lies outside is not issued",
     "critical constraints, and every certificate within them", &checks::name_constraints},
    {"CA/B Baseline 6.1.1.3", "No RSA key with a small factor, of the ROCA kind or with close primes", "no such key",
     &checks::weak_keys},
    {"RFC 8813 section 3", "No keyEncipherment for EC keys", "none in any certificate with an EC key",
     &checks::no_encipherment_for_ec},
    {"RFC 2986", "Proof of possession; only what the profile asks for is taken; never CA:TRUE",
     "CA:FALSE in every certificate that was asked for, and a CSR with a good signature behind each",
     &checks::requests},
    {"RFC 7517", "JWK, and its thumbprint (RFC 7638) as kid", "a kid that is the thumbprint, computed again",
     &checks::json_web_keys},
    {"RFC 5280 5",
     "CRL version 2, cRLNumber increasing, authorityKeyIdentifier, reasons; nextUpdate always in the future; a hold "
     "can be "
     "taken back",
     "these in the newest CRL of every CA", &checks::revocation_lists},
    {"RFC 6960", "OCSP", "an answer that the CA's responder has signed, with our nonce, of now", &checks::ocsp},
    {"RFC 6962 2.1", "Merkle tree over the audit log, inclusion and consistency proofs",
     "proofs of the first and last record, and of growth, that verify", &checks::merkle_tree},
    {"C2SP signed-note", "Checkpoints of the audit log, and their witnesses",
     "a signed checkpoint, no record of over ten minutes without one, a cosignature", &checks::checkpoints},
};

constexpr Clause kKeys[] = {
    {"PKCS#11", "Private keys sensitive and never extractable, read back from the token",
     "grade generated for every key, none missing or quarantined", &checks::key_attributes},
    {"good practice", "A PIN that was refused is not sent again by software", "a token that took its PIN",
     &checks::pin},
    {"CA/B Network Security",
     "CA keys in certified hardware; every event of a key's life logged; logs kept, protected against change; "
     "multi-party "
     "control",
     "certified hardware, a log that can be written and is signed, others who agree to what is done with keys",
     &checks::certificate_authority_room},
    {"NIST SP 800-57 part 1", "States of a key: pre-activation to destroyed; only an active one signs",
     "every key in one of these states, no CA with a compromised one", &checks::key_states},
    {"key ceremony", "Scripted, witnessed, with a transcript that a later audit can replay",
     "a transcript of the ceremony that made each CA", &checks::ceremony},
};

constexpr Section kSections[] = {
    {"Mojaloop PKI Best Practices", kPki},
    {"Mojaloop API Signature", kJws},
    {"X.509, CSR, JWK", kX509},
    {"Keys", kKeys},
};

}  // namespace

std::span<const Section> sections() { return kSections; }

}  // namespace hubseal::cli::conformance
