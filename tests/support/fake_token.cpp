#include "tests/support/fake_token.h"

#include <dlfcn.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "tests/support/fake_p11_functions.h"

namespace hubseal::test {
namespace {

unsigned long calls_so_far(const std::string& function) {
  static const auto kCalls = [] {
    void* object = ::dlopen(FAKE_P11_PATH, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    const auto calls =
        object ? reinterpret_cast<unsigned long (*)(const char*)>(::dlsym(object, "fake_p11_calls")) : nullptr;
    if (!calls) throw std::runtime_error("fake_p11.so cannot be loaded");
    return calls;
  }();
  return kCalls(function.c_str());
}

}  // namespace

FakeToken::FakeToken() {
  ::setenv("FAKE_P11_MODULE", token_.module().c_str(), 1);
  ::setenv("FAKE_P11_SCRIPT", (token_.folder() / "faults").c_str(), 1);
  script("");
  for (const std::string& function : function_names()) before_[function] = calls_so_far(function);
}

FakeToken::~FakeToken() { ::unsetenv("FAKE_P11_SCRIPT"); }

std::filesystem::path FakeToken::module() const { return FAKE_P11_PATH; }

hsm::TokenConfig FakeToken::config() const {
  hsm::TokenConfig config = token_.config();
  config.module = module();
  return config;
}

void FakeToken::script(std::string_view text) const {
  // A new file renamed into place is what the fake sees as a change; no fsync, tests are many.
  const auto made = token_.folder() / "faults.new";
  std::ofstream(made) << text;
  std::filesystem::rename(made, token_.folder() / "faults");
}

unsigned long FakeToken::calls(const std::string& function) const {
  return calls_so_far(function) - before_.at(function);
}

}  // namespace hubseal::test
