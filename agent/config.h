#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "agent/http/server.h"
#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent {

/// agent.toml, checked. config/agent.toml shows every key with its meaning and default.
struct Config {
  http::ServerConfig server;
  std::vector<std::string> hosts;  ///< accepted in the Host header beside loopback names
  std::chrono::seconds drain_timeout{20};
  std::string daemon_socket;
  std::chrono::seconds daemon_timeout{30};
  std::string ca;
  std::string client_profile;
  int csr_rsa_bits = 4096;
  store::Location database;
};

/// Errors: not_found, bad_request naming the key, what was found and what was wanted. Refuses a
/// listener that the network can reach, because nobody would have to say who they are.
Result<Config> load_config(const std::filesystem::path& path);

}  // namespace hubseal::agent
