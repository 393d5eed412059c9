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

/// Whether sockets of our own could be made in this folder, which may be missing yet. Makes nothing.
/// Errors: bad_request, storage_unavailable, naming the key.
Result<> check_runtime_dir(const std::filesystem::path& runtime_dir);

/// Whether sockets of our own could be given to the groups that `rules` name, as far as it can be told. One that is
/// there and has its group passes: systemd may have made it. Errors: bad_request.
Result<> check_socket_groups(const std::filesystem::path& runtime_dir, const std::vector<PeerRule>& rules);

/// Whether the sockets come from systemd (sd_listen_fds).
bool are_sockets_passed();

/// The sockets that systemd passes (sd_listen_fds, named agent, jws, tls, admin and audit by
/// FileDescriptorName=); without systemd, sockets of our own in `runtime_dir`: mode 0660, owned by
/// our user and by the group of the rule that names one for this socket. A folder that is made has mode 0711; one that
/// was there is left as it is, and the log names the groups that cannot pass.
/// Errors: bad_request (an unknown name, a name that comes twice, no listening Unix stream socket, a path that is too
/// long, a folder that cannot be written to), conflict (another hubseald listens there), storage_unavailable, internal.
Result<std::vector<Listener>> open_listeners(const std::filesystem::path& runtime_dir,
                                             const std::vector<PeerRule>& rules);

}  // namespace hubseal::daemon
