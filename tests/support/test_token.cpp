#include "tests/support/test_token.h"

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "hsm/init_token.h"

namespace hubseal::test {

TestToken::TestToken(std::string label) : label_(std::move(label)) {
  const auto tokens = folder_ / "tokens";
  std::filesystem::create_directory(tokens);
  const auto config = folder_ / "softhsm2.conf";
  std::ofstream(config) << "directories.tokendir = " << tokens.string() << "\n"
                        << "objectstore.backend = file\n"
                        << "log.level = ERROR\n";
  ::setenv("SOFTHSM2_CONF", config.c_str(), 1);
  add_token(label_);
}

TestToken::~TestToken() { ::unsetenv("SOFTHSM2_CONF"); }

std::filesystem::path TestToken::module() const { return "/usr/lib/softhsm/libsofthsm2.so"; }

void TestToken::add_token(const std::string& label) const {
  const auto made = hsm::init_token(module(), label, SecretBytes::copy_of(so_pin()), SecretBytes::copy_of(pin()));
  if (!made) throw std::runtime_error("no test token: " + made.error().message);
}

hsm::TokenConfig TestToken::config() const {
  hsm::TokenConfig config;
  config.module = module();
  config.label = label_;
  config.read_pin = [pin = pin()] { return Result<SecretBytes>(SecretBytes::copy_of(pin)); };
  return config;
}

}  // namespace hubseal::test
