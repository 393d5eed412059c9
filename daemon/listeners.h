#pragma once

#include <filesystem>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"
#include "daemon/peer.h"

namespace hubseal::daemon {

/// A listening Unix socket and the operations' table column it opens.
struct Listener {
  Role role;
  UniqueFd fd;
};

/// The sockets that systemd passes (sd_listen_fds, named agent, jws, admin and audit by
/// FileDescriptorName=); without systemd, sockets of our own in `runtime_dir`: mode 0660, owned by
/// our user and by the group of the rule that names one for this socket.
/// Errors: bad_request (an unknown name, a path that is too long), conflict (another hubseald
/// listens there), internal.
Result<std::vector<Listener>> open_listeners(const std::filesystem::path& runtime_dir,
                                             const std::vector<PeerRule>& rules);

}  // namespace hubseal::daemon
