/// What the agent's unit tests share: a folder of their own, openssl(1) as the judge, and a daemon
/// that says what the test tells it to say.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/clock.h"
#include "common/guarded.h"
#include "common/json.h"
#include "common/unique_fd.h"
#include "common/wire/message.h"
#include "tests/support/temp_dir.h"

namespace hubseal::agent::test {

using TempFolder = hubseal::test::TempDir;
using Words = std::vector<std::string>;

/// "-newkey rsa:2048" as the two arguments that they are.
Words words(const std::string& text);
/// Runs openssl(1) with these arguments, in which "@/" stands for `folder`; throws when it fails.
void openssl(const TempFolder& folder, const Words& arguments);
std::string slurp(const std::string& path);
void spill(const std::string& path, const std::string& text, unsigned mode = 0600);

/// A CSR made by openssl(1); `options` go to `openssl req -new`.
std::string make_csr(const TempFolder& folder, const Words& options);
/// A certificate for the key of `csr`, by a throwaway CA, as openssl(1) makes it.
std::string make_certificate(const TempFolder& folder, const std::string& csr, const Words& options = {"-days", "10"});

class FixedClock final : public Clock {
 public:
  explicit FixedClock(TimePoint now) : now_(now) {}
  TimePoint now() const override { return now_; }

 private:
  TimePoint now_;
};

/// hubseald's side of the wire: each request goes to `script`, whose Result becomes the reply.
class ScriptedDaemon {
 public:
  using Script = std::function<Result<Json>(const wire::Request&)>;

  ScriptedDaemon(std::string socket_path, Script script);
  ~ScriptedDaemon();

  const std::string& socket_path() const { return socket_path_; }
  std::vector<wire::Request> requests();

 private:
  void accept_all();
  void serve(int fd);

  const std::string socket_path_;
  const Script script_;
  UniqueFd listener_;
  std::atomic<bool> stopping_ = false;
  Guarded<std::vector<wire::Request>> requests_;
  Guarded<std::vector<std::thread>> threads_;
  Guarded<std::vector<int>> connections_;
  std::thread acceptor_;
};

}  // namespace hubseal::agent::test
