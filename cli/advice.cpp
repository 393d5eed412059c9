#include "cli/advice.h"

namespace hubseal::cli {

std::string_view advice_for(Code code) {
  switch (code) {
    case Code::bad_request: return "add --help to the command for its options and examples";
    case Code::too_large: return {};
    case Code::forbidden:
      return "look for the peer's permissions, profiles and keys in /etc/hubseal/hubseald.toml, and for the name "
             "with: hubseal key list";
    case Code::not_found: return "see what is there with: hubseal status, hubseal cert list";
    case Code::conflict: return "see what is there with: hubseal status, hubseal key list, hubseal cert list";
    case Code::policy_denied: return "the profile named above is a file in /etc/hubseal/profiles";
    case Code::approval_required: return "nothing is signed yet: ask an approver, then give the same command again";
    case Code::hsm_busy:
    case Code::rate_limited: return "nothing was signed: give the same command again in a moment";
    case Code::hsm_unavailable: return "is hubseald running and its token in place? systemctl status hubseald";
    case Code::storage_unavailable: return "nothing is signed until hubseald can write its state: is the disk full?";
    case Code::internal: return "the log has the story: journalctl -u hubseald";
  }
  return {};
}

}  // namespace hubseal::cli
