#include "pkcs11/functions.h"

#include <pthread.h>
#include <sys/socket.h>

#include <cstdlib>

#include <boost/test/unit_test.hpp>

#include "tests/support/temp_dir.h"
#include "tests/support/unix_socket.h"

using namespace hubseal;
using namespace hubseal::pkcs11;

namespace {

/// Without a hubseald.
struct Initialized {
  CK_FUNCTION_LIST& module = *function_list();
  Initialized() {
    ::setenv("HUBSEAL_TLS_SOCKET", "/nonexistent/tls.sock", 1);
    BOOST_REQUIRE(module.C_Initialize(nullptr) == CKR_OK);
  }
  ~Initialized() { module.C_Finalize(nullptr); }
  CK_SESSION_HANDLE open() {
    CK_SESSION_HANDLE session = 0;
    BOOST_REQUIRE(module.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_OK);
    return session;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(pkcs11_functions)

BOOST_AUTO_TEST_CASE(every_function_of_the_standard_is_in_the_list) {
  const auto* members = reinterpret_cast<const void* const*>(&function_list()->C_Initialize);
  const auto* end = reinterpret_cast<const void* const*>(&function_list()->C_WaitForSlotEvent) + 1;
  BOOST_TEST(end - members == 68);
  for (const auto* member = members; member != end; ++member) BOOST_TEST(*member != nullptr);
}

BOOST_AUTO_TEST_CASE(without_a_hubseald_there_is_a_slot_and_no_token) {
  Initialized own;
  CK_ULONG count = 0;
  BOOST_TEST(own.module.C_GetSlotList(CK_TRUE, nullptr, &count) == CKR_OK);
  BOOST_TEST(count == 1U);
  CK_TOKEN_INFO info;
  BOOST_TEST(own.module.C_GetTokenInfo(0, &info) == CKR_TOKEN_NOT_PRESENT);
  BOOST_TEST(own.module.C_FindObjectsInit(own.open(), nullptr, 0) == CKR_DEVICE_ERROR);
}

BOOST_AUTO_TEST_CASE(arguments_that_cannot_be_are_refused) {
  Initialized own;
  const CK_SESSION_HANDLE session = own.open();
  CK_ATTRIBUTE unsound{CKA_LABEL, nullptr, 5};
  CK_ULONG count = 0;
  BOOST_TEST(own.module.C_FindObjectsInit(session, &unsound, 1) == CKR_ARGUMENTS_BAD);
  BOOST_TEST(own.module.C_FindObjectsInit(session, nullptr, 1) == CKR_ARGUMENTS_BAD);
  BOOST_TEST(own.module.C_FindObjects(session, nullptr, 0, &count) == CKR_OPERATION_NOT_INITIALIZED);
  BOOST_TEST(own.module.C_SignInit(session, nullptr, 1) == CKR_ARGUMENTS_BAD);
  BOOST_TEST(own.module.C_GetAttributeValue(session, 1, nullptr, 1) == CKR_OBJECT_HANDLE_INVALID);
  BOOST_TEST(own.module.C_GetInfo(nullptr) == CKR_ARGUMENTS_BAD);
  BOOST_TEST(own.module.C_GetTokenInfo(1, nullptr) == CKR_SLOT_ID_INVALID);
  BOOST_TEST(own.module.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, nullptr) == CKR_ARGUMENTS_BAD);
  CK_MECHANISM_TYPE one = 0;
  count = 1;
  BOOST_TEST(own.module.C_GetMechanismList(0, &one, &count) == CKR_BUFFER_TOO_SMALL);
  BOOST_TEST(count == 3U);
  BOOST_TEST(own.module.C_GetMechanismInfo(0, CKM_RSA_X_509, nullptr) == CKR_MECHANISM_INVALID);
}

BOOST_AUTO_TEST_CASE(mutexes_of_the_callers_own_are_refused_and_those_of_the_system_taken) {
  CK_FUNCTION_LIST& module = *function_list();
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.CreateMutex = [](void**) -> CK_RV { return CKR_OK; };
  BOOST_TEST(module.C_Initialize(&arguments) == CKR_CANT_LOCK);
  arguments.flags = CKF_OS_LOCKING_OK;
  BOOST_TEST(module.C_Initialize(&arguments) == CKR_OK);
  BOOST_TEST(module.C_Finalize(&arguments) == CKR_ARGUMENTS_BAD);
  BOOST_TEST(module.C_Finalize(nullptr) == CKR_OK);
  arguments.pReserved = &arguments;
  BOOST_TEST(module.C_Initialize(&arguments) == CKR_ARGUMENTS_BAD);
}

BOOST_AUTO_TEST_CASE(sessions_have_a_number_beyond_which_there_are_none) {
  Initialized own;
  for (int i = 0; i < 1024; ++i) own.open();
  CK_SESSION_HANDLE session = 0;
  BOOST_TEST(own.module.C_OpenSession(0, CKF_SERIAL_SESSION, nullptr, nullptr, &session) == CKR_SESSION_COUNT);
  BOOST_TEST(own.module.C_CloseAllSessions(0) == CKR_OK);
  own.open();
}

BOOST_AUTO_TEST_CASE(a_thread_that_its_program_cancels_ends_behind_the_module_and_not_in_it) {
  Initialized own;
  const test::TempDir folder;
  const std::string path = (folder / "s").string();
  const UniqueFd listener = test::listen_at(path, 1);
  ::setenv("HUBSEAL_TLS_SOCKET", path.c_str(), 1);

  CK_RV said = CKR_OK;
  pthread_t thread{};
  BOOST_REQUIRE(::pthread_create(
                    &thread, nullptr,
                    [](void* into) -> void* {
                      CK_TOKEN_INFO info;
                      *static_cast<CK_RV*>(into) = function_list()->C_GetTokenInfo(0, &info);
                      ::pthread_testcancel();
                      return nullptr;
                    },
                    &said) == 0);
  UniqueFd connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  char asked = 0;
  BOOST_REQUIRE(::recv(connection.get(), &asked, 1, 0) == 1);
  BOOST_REQUIRE(::pthread_cancel(thread) == 0);  // while it waits for the answer
  connection = UniqueFd();
  void* ended = nullptr;
  BOOST_REQUIRE(::pthread_join(thread, &ended) == 0);
  BOOST_TEST(ended == PTHREAD_CANCELED);
  BOOST_TEST(said == CKR_TOKEN_NOT_PRESENT);
}

BOOST_AUTO_TEST_SUITE_END()
