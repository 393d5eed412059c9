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
    return fmt::format(
        "this user (uid {}) must be in the group that the socket belongs to, and be let into its folder: see ls -l, "
        "ls -ld and id. Services and auditors have a socket of their own: --socket",
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

/// Where what an operation is about can be looked up.
struct Place {
  std::string_view operations;  ///< each between spaces
  std::string_view command;
};
constexpr Place kPlaces[] = {
    {" get_approval approve submit_approval list_approvals ", "hubseal approval list --state all"},
    {" add_approver remove_approver list_approvers ", "hubseal approver list"},
    {" set_subject get_subject suspend_subject resume_subject off_board_subject list_subjects ",
     "hubseal subject list"},
    {" create_ca check_ca ", "hubseal ca list, hubseal key list"},
    {" get_ca install_ca import_ca cross_certify retire_ca get_crl get_ocsp ", "hubseal ca list"},
    {" create_key get_public_key create_csr csr_for_key sign_jws activate_key suspend_key deactivate_key destroy_key "
     "keep_key confirm_backup ",
     "hubseal key list"},
    {" rotate_jws_key advance_rotation cancel_rotation list_rotations ", "hubseal key rotation list"},
    {" issue_certificate ", "hubseal cert list, hubseal ca list"},
    {" get_certificate revoke_certificate release_certificate list_certificates ",
     "hubseal cert list (serials are given whole, and --ca names the CA)"},
    {" load_policy get_policy list_policies ", "hubseal policy history"},
    {" get_checkpoint prove_record prove_consistency list_records add_cosignature ", "hubseal audit tail"},
};

std::string advice_look(const Error& error, std::string_view operation, std::string_view otherwise) {
  if (has(error, "there is no CA \"")) return "see which there are with: hubseal ca list";
  for (const Place& place : kPlaces)
    if (place.operations.find(fmt::format(" {} ", operation)) != std::string_view::npos)
      return fmt::format("see what is there with: {}", place.command);
  return fmt::format("see what is there with: {}", otherwise);
}

std::string advice_bad_request(std::string_view operation) {
  if (operation == "load_policy")
    return "mend the file, then look at it without loading it: hubseal policy check --help";
  return "add --help to the command for its options and examples";
}

std::string advice_forbidden(const Error& error, std::string_view operation) {
  if (was_turned_away(error)) return advice_turned_away(error);
  if (has(error, "is no approver")) return "see who is, and in which way, with: hubseal approver list";
  if (has(error, "wanted the consent of others")) return "somebody else must agree: hubseal approver list";
  if (has(error, "there is no profile")) return "see which profiles there are with: hubseal policy show";
  if (has(error, "there is no operation"))
    return "look for this user's permissions in hubseald's configuration ([[peer]] entries), and whether --socket is "
           "the "
           "one that offers this";
  if (operation == "sign_fspiop")
    return "look for this user's keys, sources and messages in hubseald's configuration ([[peer]] entries)";
  return "look for this user's permissions, profiles and keys in hubseald's configuration ([[peer]] entries), and "
         "for the name with: " +
         std::string(operation.ends_with("_ca") ? "hubseal ca list, hubseal key list" : "hubseal key list");
}

/// The word behind `words`.
std::string word_after(const Error& error, std::string_view words) {
  const std::size_t begin = error.message.find(words) + words.size();
  return error.message.substr(begin, error.message.find_first_of(" \",;:", begin) - begin);
}

/// The daemon speaks of its operations: what they are called here. Empty where it speaks of none.
std::string advice_command(const Error& error, std::string_view operation) {
  if (has(error, "it is entered with set_subject"))
    return fmt::format("enter it with: hubseal subject set {} --help", word_after(error, "participant "));
  if (has(error, "are put back by resume_subject"))
    return fmt::format("hubseal subject resume {}", word_after(error, "participant "));
  if (has(error, "(suspend_key can be taken back"))
    return fmt::format(
        "hubseal key suspend {0} can be taken back; hubseal key deactivate {0} --compromised is for good",
        word_after(error, "lists need key \""));
  if (operation == "retire_ca" && has(error, "Wanted either the \"successor\""))
    return "give --successor CA, or --last; see which CAs issue with: hubseal ca list";
  if (has(error, "itself, which no list of its own"))
    return "where its key is in wrong hands: hubseal key deactivate KEY --compromised (hubseal ca list names the key)";
  if (operation == "create_ca" && has(error, "there is no ca key"))
    return "--key-type has the key made; see which there are with: hubseal key list";
  if (operation == "remove_approver" && has(error, "could agree; policy asks"))
    return "add another approver first, or ask for fewer in policy.toml ([approvals.needed], and approvals of "
           "profiles)";
  if (operation == "issue_certificate" && has(error, "PKI-9: "))
    return "where the older one is no longer to be used, revoke it, which makes room: hubseal cert revoke";
  if (has(error, "there is no approver")) return "see who is with: hubseal approver list";
  if (operation == "issue_certificate" && has(error, "PKI-5: "))
    return "see which names are whose with: hubseal subject list, hubseal subject show";
  if (operation == "load_policy" && (has(error, "cannot be opened") || has(error, "cannot be examined")))
    return "hubseald itself must be able to read the file: see its owner and mode with ls -l";
  return {};
}

std::string advice_policy(const Error& error, std::string_view operation) {
  if (has(error, "was rejected"))
    return "talk to the approvers; hubseal --anew and the same command ask once more, for a new approval";
  if (operation == "retire_ca") return "see which CAs issue with: hubseal ca list";
  if (error.message.starts_with("participant ")) return "see what the register says with: hubseal subject show";
  if (has(error, "wanted active")) return "see where keys stand with: hubseal key list";
  if (error.message.starts_with("profile "))
    return "the profile named above is a file in the profiles folder of hubseald's configuration";
  return {};
}

}  // namespace

bool was_turned_away(const Error& error) {
  return has(error, "closed the connection without a word") ||
         (has(error, "is not reachable") && has(error, "socket's group"));
}

std::string advice_for(const Error& error, std::string_view operation) {
  if (has(error, " ended with status ")) return {};  // the reason tells what to do
  if (error.message.starts_with("ceremony, after its steps") || error.message.starts_with("transcript ")) return {};
  if (has(error, "wanted an empty folder")) return "name a folder that is empty, or not there yet";
  if (error.message.starts_with("output file "))
    return "name a file that is not there yet, in a folder that this user may write to";
  if (error.message.starts_with("input ") && has(error, "; wanted ")) return {};
  if (error.message.starts_with("input file ")) return "name a file that is there and that this user may read";
  if (has(error, "signs neither certificates nor lists; ")) return {};  // the message tells what to do
  if (has(error, "cannot be started")) return "name hubseald's program with --hubseald";
  if (auto command = advice_command(error, operation); !command.empty()) return command;
  switch (error.code) {
    case Code::bad_request: return advice_bad_request(operation);
    case Code::too_large: return {};
    case Code::forbidden: return advice_forbidden(error, operation);
    case Code::not_found: return advice_look(error, operation, "hubseal status, hubseal cert list");
    case Code::conflict: return advice_look(error, operation, "hubseal status, hubseal key list, hubseal cert list");
    case Code::policy_denied: return advice_policy(error, operation);
    case Code::approval_required: return advice_waiting(error);
    case Code::hsm_busy:
    case Code::rate_limited: return "nothing was signed: give the same command again in a moment";
    case Code::hsm_unavailable: return advice_unavailable(error);
    case Code::storage_unavailable: return "refused until hubseald can write its state: is the disk full?";
    case Code::sealed: return "nothing is signed until people have agreed to go on: hubseal unseal --help";
    case Code::internal:
      if (error.message.starts_with("standard output")) return {};
      return "hubseald's log has the story (under systemd: journalctl -u hubseald)";
  }
  return {};
}

}  // namespace hubseal::cli
