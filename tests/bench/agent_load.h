/// Requests that a benchmark puts on the agent, as participants send them.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/bench/agent_process.h"
#include "tests/bench/measure.h"

namespace hubseal::bench {

/// CSRs for one RSA-4096 key with a name each: what a participant sends, without waiting for a key each time.
std::vector<std::string> make_rsa_4096_csrs(std::size_t count);

/// In PEM, of a P-256 key that nobody keeps.
std::string make_public_key();

/// Requests over keep-alive connections to whoever answers HTTP on this port; CPU of `process`.
Measurement drive(pid_t process, unsigned port, unsigned connections, Seconds time,
                  const std::function<std::optional<std::string_view>()>& next);
/// The same request again and again; it must outlive this.
std::function<std::optional<std::string_view>()> again_and_again(const std::string& request);

/// "/api/dfsps/{dfsp}/enrollments/inbound"
std::string inbound_path(const std::string& dfsp);

void add_dfsp(HttpClient& client, const std::string& dfsp);

/// The number of the enrolment.
std::int64_t enrol(HttpClient& client, const std::string& dfsp, const std::string& csr);
void sign(HttpClient& client, const std::string& dfsp, std::int64_t enrollment);

/// Requests to sign: for so many enrolments that wait, each for a key of its own, of new participants whose names begin
/// with `prefix`.
std::vector<std::string> requests_to_sign(HttpClient& client, const std::string& prefix, std::size_t count);

/// Signed enrolments of one participant, each for a key of its own, by several connections at once.
void fill(unsigned port, const std::string& dfsp, std::size_t count);

/// POST and sign, one after the other on each connection; a CSR each time.
Measurement create_and_sign(const AgentProcess& agent, const std::string& dfsp, unsigned connections, Seconds time);

}  // namespace hubseal::bench
