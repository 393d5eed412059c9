#pragma once

#include <memory>
#include <vector>

#include "agent/agent.h"
#include "agent/config.h"
#include "agent/http/pipeline.h"
#include "tests/unit/agent/agent_support.h"

namespace hubseal::agent::test {

/// The agent as it starts, without its daemon: for what can be told from its routes.
struct WholeAgent {
  WholeAgent() {
    Config config;
    config.server.address = "127.0.0.1";
    config.daemon_socket = folder / "no.sock";
    config.ca = "hub-ca";
    config.client_profile = "p";
    config.database = {.file = folder / "agent.db"};
    agent = Agent::start(config).value();
  }
  const std::vector<http::Route>& routes() const { return agent->pipeline().router().routes(); }

  const TempFolder folder;
  std::unique_ptr<Agent> agent;
};

}  // namespace hubseal::agent::test
