#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::agent::mcm {

constexpr std::size_t kMaxVaultBytes = 128 * 1024 * 1024;

/// One secret of MCM's KV store.
struct VaultRecord {
  std::string path;                ///< as the export has it, without the mount: "dfsp-ca/7"
  std::string kind;                ///< "dfsp-ca"; empty: none that is known
  std::vector<std::string> names;  ///< what follows the kind: {"7"}
  Json data;
};

/// A private key somewhere in the export.
struct FoundKey {
  std::string path;  ///< with the member: "dfsp-outbound-enrollment/7/8/key"
  std::string kind;  ///< "RSA PRIVATE KEY"
};

/// MCM's KV store as JSON: an object that has a member for each path ("dfsp-ca/7", also with the mount before it), or
/// an object in an object for each part of it. A record may be what `vault kv get -format=json` gives.
struct VaultExport {
  /// Errors: bad_request, too_large.
  static Result<VaultExport> parse(std::string_view text);

  std::vector<VaultRecord> records;  ///< in the order of the text
  std::vector<FoundKey> private_keys;
};

/// The kind in the label of a private key's PEM block, wherever it stands in `text`; empty where there is none.
std::string private_key_in(std::string_view text);

}  // namespace hubseal::agent::mcm
