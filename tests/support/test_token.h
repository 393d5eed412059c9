#pragma once

#include <filesystem>
#include <string>

#include "hsm/token_config.h"
#include "tests/support/temp_dir.h"

namespace hubseal::test {

/// A SoftHSM token in a temporary folder, initialised with label, PIN and SO PIN.
/// Its softhsm2.conf is named by SOFTHSM2_CONF in the environment, which SoftHSM reads at each
/// C_Initialize and child processes inherit: one TestToken at a time per process.
class TestToken {
 public:
  explicit TestToken(std::string label = "hub");
  TestToken(const TestToken&) = delete;
  TestToken& operator=(const TestToken&) = delete;
  ~TestToken();

  std::filesystem::path module() const;
  const std::string& label() const { return label_; }
  std::string pin() const { return "135790"; }
  std::string so_pin() const { return "24681012"; }
  /// Where softhsm2.conf and the tokens are.
  const std::filesystem::path& folder() const { return folder_.path(); }

  /// Opens this token with its PIN.
  hsm::TokenConfig config() const;
  /// Initialises a further token under the same configuration.
  void add_token(const std::string& label) const;

 private:
  TempDir folder_;
  std::string label_;
};

}  // namespace hubseal::test
