#pragma once

#include <map>
#include <string>
#include <string_view>

#include "tests/support/test_token.h"

namespace hubseal::test {

/// A TestToken behind fake_p11.so, whose faults are scripted (fake_p11_script.h).
/// Other processes are told by the environment, which this sets: FAKE_P11_MODULE, FAKE_P11_SCRIPT.
class FakeToken {
 public:
  FakeToken();
  FakeToken(const FakeToken&) = delete;
  FakeToken& operator=(const FakeToken&) = delete;
  ~FakeToken();

  std::filesystem::path module() const;
  hsm::TokenConfig config() const;
  const TestToken& token() const { return token_; }

  /// Replaces the script and starts the count of calls anew; "" is a token without a fault.
  void script(std::string_view text) const;
  /// Calls of a PKCS#11 function in this process since this object was made.
  unsigned long calls(const std::string& function) const;

 private:
  TestToken token_;
  std::map<std::string, unsigned long> before_;
};

}  // namespace hubseal::test
