#pragma once

#include <string>
#include <variant>

#include "agent/publish/publisher.h"
#include "agent/service/caller.h"
#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent {

class ConfirmedEndpoints;
class DfspCas;
class Dfsps;
class OutboundEnrollments;
class SigningDaemon;
class Certificate;
struct CaChain;

/// Tells gateways of a participant: what was confirmed and found good, and nothing else.
/// Threads: share it freely.
class Onboarding {
 public:
  /// `publisher` may be null: nothing is published.
  Onboarding(Dfsps& dfsps, DfspCas& dfsp_cas, OutboundEnrollments& outbound, ConfirmedEndpoints& endpoints,
             SigningDaemon& daemon, const Clock& clock, publish::Publisher* publisher)
      : dfsps_(dfsps),
        dfsp_cas_(dfsp_cas),
        outbound_(outbound),
        endpoints_(endpoints),
        daemon_(daemon),
        clock_(clock),
        publisher_(publisher) {}

  /// What it published is, when it returns, what holds then, whoever else publishes or changes something meanwhile.
  /// Errors: not_found; conflict: nothing is published here, or the participant lacks something, all of which is
  /// named; storage_unavailable; the daemon's.
  Result<> publish(const Caller& caller, const std::string& dfsp_id);

 private:
  struct Publication;

  Result<Publication> prepare(const std::string& dfsp_id);
  Result<std::string> key_uri(const std::string& label, const Certificate& certificate);
  Result<publish::Whitelists> whitelists();

  Dfsps& dfsps_;
  DfspCas& dfsp_cas_;
  OutboundEnrollments& outbound_;
  ConfirmedEndpoints& endpoints_;
  SigningDaemon& daemon_;
  const Clock& clock_;
  publish::Publisher* const publisher_;
};

}  // namespace hubseal::agent
