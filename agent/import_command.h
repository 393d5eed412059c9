#pragma once

#include <string>

#include "common/result.h"

namespace hubseal::agent {

struct Config;

/// hubseal-agent import-mcm: what its options say.
struct ImportCommand {
  std::string dump;    ///< what mysqldump wrote
  std::string vault;   ///< the KV store as JSON
  std::string hub_id;  ///< SWITCH_ID, where it is another than hub.id of the configuration; or empty
  bool json = false;
  bool dry_run = false;
};

/// Fills the store of the configuration with what a Connection Manager held, and prints what became of everything.
/// Errors: not_found, bad_request, too_large (a file that is none of MCM's); as store::store.
Result<> run(const ImportCommand& command, const Config& config);

}  // namespace hubseal::agent
