/// Loads that a benchmark puts on hubseald, each for a bounded time.
#pragma once

#include <string>
#include <vector>

#include "hsm/signer.h"
#include "tests/bench/raw_token.h"
#include "tests/integration/soak/rig.h"

namespace hubseal::bench {

/// The same line again and again on each of `connections`.
Measurement repeat_line(const test::Rig& rig, const std::string& socket, const std::string& line, unsigned connections,
                        Seconds time);

/// Each line once, shared out over `connections`; ends early when the time is over.
Measurement send_once(const test::Rig& rig, const std::string& socket, const std::vector<std::string>& lines,
                      unsigned connections, Seconds time);

std::string sign_jws_line(const std::string& key, std::size_t payload_bytes);

/// Each for a key of its own; more than can be certified in the time by who signs so many a second.
std::vector<std::string> make_csrs(double per_second, Seconds time);
/// A request for each CSR; `requests` counts them, so that no two have one id.
std::vector<std::string> issue_lines(const std::string& ca, const std::vector<std::string>& csrs, unsigned& requests);

/// hsm::Signer in this process, without socket and record: what the token layer alone costs.
Measurement sign_through(hsm::Signer& signer, const hsm::KeyInfo& key, unsigned threads, Seconds time);

/// What nobody can leave out who does not release a signature that is wrong: libcrypto verifying, prepared as well as
/// it can be, with RSA-2048 or P-256.
Measurement verify_alone(KeyType type, unsigned threads, Seconds time);

}  // namespace hubseal::bench
