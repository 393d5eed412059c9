/// One function for each clause. They only judge what was gathered: nothing is asked here.
#pragma once

#include "cli/conformance/finding.h"
#include "cli/conformance/installation.h"

namespace hubseal::cli::conformance::checks {

// check_authorities.cpp
Finding root_certificate(const Installation&);
Finding roll_over(const Installation&);
Finding revocation(const Installation&);
Finding revocation_lists(const Installation&);
Finding ocsp(const Installation&);

// check_profiles.cpp
Finding kinds_of_certificate(const Installation&);
Finding participants_certificates(const Installation&);
Finding subjects(const Installation&);
Finding addresses(const Installation&);
Finding renewal(const Installation&);

// check_certificates.cpp
Finding keys_certified_once(const Installation&);
Finding serials(const Installation&);
Finding issuers(const Installation&);
Finding validity_within_issuer(const Installation&);
Finding requests(const Installation&);

// check_extensions.cpp
Finding extensions(const Installation&);
Finding name_constraints(const Installation&);
Finding weak_keys(const Installation&);
Finding no_encipherment_for_ec(const Installation&);

// check_messages.cpp
Finding tls(const Installation&);
Finding signature_object(const Installation&);
Finding protected_header(const Installation&);
Finding message_uri(const Installation&);
Finding requests_only(const Installation&);
Finding verifier(const Installation&);
Finding validator_of_participants(const Installation&);
Finding json_web_keys(const Installation&);

// check_keys.cpp
Finding key_attributes(const Installation&);
Finding pin(const Installation&);
Finding certificate_authority_room(const Installation&);
Finding key_states(const Installation&);
Finding ceremony(const Installation&);

// check_log.cpp
Finding merkle_tree(const Installation&);
Finding checkpoints(const Installation&);

}  // namespace hubseal::cli::conformance::checks
