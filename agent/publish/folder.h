#pragma once

#include <filesystem>
#include <memory>

#include "common/result.h"

namespace hubseal::agent::publish {

class Publisher;

/// Publishes into a folder: below it each participant has one of its own, named as its id, with the files bundle.json
/// (everything), ca_bundle.pem, client_cert_chain.pem, client_key.uri and whitelist.txt (a line each). A new bundle
/// is made beside the old one, synced, and exchanged with it in one step; who opened the old folder reads the old
/// bundle or finds a file gone, never a mixture. Folders have mode 0750, files 0640. Agents that share the folder take
/// turns, by a lock on its file .lock (0600).
/// Errors: not_found; bad_request: a folder that others can write to or everybody can read.
Result<std::unique_ptr<Publisher>> open_folder(const std::filesystem::path& folder);

}  // namespace hubseal::agent::publish
