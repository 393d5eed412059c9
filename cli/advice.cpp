#include "cli/advice.h"

#include <unistd.h>

#include <fmt/format.h>

namespace hubseal::cli {
namespace {

bool has(const Error& error, std::string_view words) { return error.message.find(words) != std::string::npos; }

/// wire::DaemonClient's own errors have the code of the daemon's: the message tells them apart.
std::string advice_unavailable(const Error& error) {
  if (has(error, "is not reachable")) return "is hubseald running, and is --socket right?";
  if (has(error, "took too long"))
    return "is hubseald busy? Give it longer with --timeout, or look with: hubseal status";
  return "see what is missing with: hubseal status";
}

/// The socket's file, or the daemon behind it, does not know this user.
std::string advice_turned_away(const Error& error) {
  if (has(error, "is not reachable"))
    return fmt::format("this user (uid {}) must be in the group that the socket belongs to: see ls -l and id",
                       ::getuid());
  return fmt::format("this user (uid {}) is no [[peer]] of this socket in hubseald.toml (or hubseald was just ending)",
                     ::getuid());
}

std::string advice_waiting(const Error& error) {
  if (error.message.starts_with("ceremony step "))
    return error.approval.empty()
               ? std::string("the steps before it are done and written down")
               : fmt::format(
                     "approvers look at it with: hubseal approval show {0}, and agree with: hubseal approval "
                     "approve {0}",
                     error.approval);
  if (error.approval.empty()) return "nothing is done yet: ask an approver, then give the same command again";
  return fmt::format(
      "nothing is done yet. Approvers look at it with: hubseal approval show {0}, and agree with: hubseal approval "
      "approve {0}; then give the same command again",
      error.approval);
}

}  // namespace

bool was_turned_away(const Error& error) {
  return has(error, "closed the connection without a word") ||
         (has(error, "is not reachable") && has(error, "socket's group"));
}

std::string advice_for(const Error& error) {
  if (has(error, " ended with status ")) return {};  // the reason tells what to do
  if (error.message.starts_with("ceremony, after its steps")) return {};
  if (error.message.starts_with("output file "))
    return "name a file that is not there yet, in a folder that this user may write to";
  if (error.message.starts_with("input file ")) return "name a file that is there and that this user may read";
  if (has(error, "cannot be started")) return "name hubseald's program with --hubseald";
  switch (error.code) {
    case Code::bad_request: return "add --help to the command for its options and examples";
    case Code::too_large: return {};
    case Code::forbidden:
      if (was_turned_away(error)) return advice_turned_away(error);
      if (has(error, "there is no profile")) return "see which profiles there are with: hubseal policy show";
      return "look for this user's permissions, profiles and keys in hubseald's configuration ([[peer]] entries), and "
             "for the name with: hubseal key list";
    case Code::not_found: return "see what is there with: hubseal status, hubseal cert list";
    case Code::conflict: return "see what is there with: hubseal status, hubseal key list, hubseal cert list";
    case Code::policy_denied:
      if (error.message.starts_with("participant ")) return "see what the register says with: hubseal subject show";
      if (!error.message.starts_with("profile ")) return {};
      return "the profile named above is a file in the profiles folder of hubseald's configuration";
    case Code::approval_required: return advice_waiting(error);
    case Code::hsm_busy:
    case Code::rate_limited: return "nothing was signed: give the same command again in a moment";
    case Code::hsm_unavailable: return advice_unavailable(error);
    case Code::storage_unavailable: return "nothing is signed until hubseald can write its state: is the disk full?";
    case Code::sealed: return "nothing is signed until people have agreed to go on: hubseal unseal --help";
    case Code::internal:
      if (error.message.starts_with("standard output")) return {};
      return "hubseald's log has the story (under systemd: journalctl -u hubseald)";
  }
  return {};
}

}  // namespace hubseal::cli
