#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>

#include "tests/support/fake_p11_functions.h"
#include "tests/support/fake_p11_script.h"
#include "tests/support/fake_token.h"
#include "tests/unit/hsm/signer_checks.h"

namespace hubseal::hsm {
namespace {

using test::FakeToken;

/// How a process ends that reads this script, and what it says.
test::CommandResult read_in_a_child(const std::string& script) {
  int ends[2];
  BOOST_REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::signal(SIGABRT, SIG_DFL);  // not the test framework's
    test::FakeScript::parse(script);
    ::_exit(0);
  }
  ::close(ends[1]);
  test::CommandResult result;
  std::array<char, 256> buffer;
  for (ssize_t size; (size = ::read(ends[0], buffer.data(), buffer.size())) > 0;)
    result.output.append(buffer.data(), static_cast<std::size_t>(size));
  ::close(ends[0]);
  int status = 0;
  BOOST_REQUIRE(::waitpid(child, &status, 0) == child);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

BOOST_AUTO_TEST_SUITE(the_fake_module)

BOOST_AUTO_TEST_CASE(a_script_with_a_slip_of_the_pen_ends_the_process) {
  for (const char* slip : {"fial C_Sign 1 0x30",
                           "fail C_Sing 1 0x30",
                           "fail C_GetFunctionList 1 0x30",
                           "fail c_sign 1 0x30",
                           "fail C_Sign",
                           "fail C_Sign 1",
                           "fail C_Sign 1 0x3O",
                           "fail C_Sign 0 0x30",
                           "fail C_Sign one 0x30",
                           "fail C_Sign 3-1 0x30",
                           "fail C_Sign 1+2 0x30",
                           "fail C_Sign 1 0x30 0x30",
                           "slow C_Sign *",
                           "hold C_Sign",
                           "hold C_Sign 1 1",
                           "flip C_Sign 1 1",
                           "flip C_SignInit 1",
                           "length C_Login 1 1",
                           "claim C_Sign 1 1",
                           "absent now",
                           "dead",
                           "flags",
                           "attribute 0x162",
                           "attribute 0x162 2",
                           "hide CKM_RSA_PKCS",
                           "renumber"}) {
    const auto end = read_in_a_child(std::string("# a comment\n\n") + slip + "\n");
    BOOST_TEST(end.exit_code == 128 + SIGABRT, slip << ": " << end.output);
    BOOST_TEST(contains(end.output, std::string("fake_p11: what is \"") + slip + "\"?"), end.output);
  }
}

BOOST_AUTO_TEST_CASE(every_function_may_be_named) {
  std::string script = "# a comment\n\n";
  for (const std::string& function : test::function_names()) script += "fail " + function + " 2-3 0x30\n";
  BOOST_TEST(read_in_a_child(script).exit_code == 0);
  const auto parsed = test::FakeScript::parse(script);
  BOOST_TEST(!parsed.fault("fail", "C_Login", 1));
  BOOST_TEST(parsed.fault("fail", "C_Login", 2).value_or(0) == 0x30);
  BOOST_TEST(parsed.fault("fail", "C_Login", 3).value_or(0) == 0x30);
  BOOST_TEST(!parsed.fault("fail", "C_Login", 4));
}

BOOST_AUTO_TEST_CASE(whoever_asks_the_module_itself_for_its_functions_gets_the_hooked_ones) {
  const FakeToken token;
  void* const module = ::dlopen(token.module().c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  BOOST_REQUIRE(module);
  const auto ask = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(module, "C_GetFunctionList"));
  CK_FUNCTION_LIST* first = nullptr;
  CK_FUNCTION_LIST* second = nullptr;
  BOOST_REQUIRE(ask(&first) == CKR_OK);
  BOOST_REQUIRE(first->C_GetFunctionList(&second) == CKR_OK);
  // Functions that neither HubSeal nor libp11 calls.
  token.script("fail C_Verify 1 0x30\nfail C_SeedRandom 1 0x30\n");
  BOOST_TEST(second->C_Verify(0, nullptr, 0, nullptr, 0) == CKR_DEVICE_ERROR);
  BOOST_TEST(second->C_SeedRandom(0, nullptr, 0) == CKR_DEVICE_ERROR);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace hubseal::hsm
