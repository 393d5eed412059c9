#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/exit_code.h"
#include "common/json.h"
#include "common/result.h"
#include "common/wire/daemon_client.h"

namespace hubseal::cli {

constexpr char kDefaultSocket[] = "/run/hubseal/admin.sock";

/// How long an operation may take before the user is told that something is wrong.
enum class Work {
  quick,           ///< --timeout
  key_generation,  ///< RSA in a token takes minutes at worst
};

/// The global options, and what the command line asked for.
/// Threads: one.
struct Session {
  std::string socket = kDefaultSocket;
  bool socket_given = false;
  bool json = false;
  bool anew = false;  ///< what was rejected is asked for once more
  int timeout_seconds = 30;
  /// What was asked of the daemon last; copies of a session share it.
  std::shared_ptr<std::string> operation = std::make_shared<std::string>();
  /// Set by the subcommand that was parsed.
  std::function<Result<ExitCode>()> action;
  /// What its errors end with, where the status that their code has means something else there.
  std::optional<ExitCode> failed;

  wire::DaemonClient client(Work work = Work::quick) const;
  /// The `ok` object of one request over a connection of its own.
  Result<Json> call(std::string_view op, const Json& fields, Work work = Work::quick) const;
  /// Standard output: the object on one line.
  void print_json(const Json& value) const;
};

/// The text of a member of a reply, "-" when it is absent; numbers and booleans as JSON writes them.
std::string text_of(const Json& object, std::string_view member);
/// An element that may be absent: null then, so that readers need not ask first.
const Json& member_of(const Json& object, std::string_view member);

}  // namespace hubseal::cli
