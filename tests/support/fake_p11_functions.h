/// Every function that a PKCS#11 module has, once: what fake_p11.so stands in front of, what its script may name and
/// what a test goes through.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "hsm/pkcs11.h"

namespace hubseal::test {

/// A name as a template's argument.
template <std::size_t N>
struct Name {
  char text[N];
  consteval Name(const char (&name)[N]) { std::copy_n(name, N, text); }
  constexpr bool operator==(std::string_view other) const { return other == std::string_view(text, N - 1); }
};

/// `visit.operator()<Name, member of CK_FUNCTION_LIST>()` for each of them, C_GetFunctionList apart: a module gives
/// that one itself.
template <class Visit>
constexpr void for_each_function(Visit visit) {
  using List = CK_FUNCTION_LIST;
  visit.template operator()<"C_Initialize", &List::C_Initialize>();
  visit.template operator()<"C_Finalize", &List::C_Finalize>();
  visit.template operator()<"C_GetInfo", &List::C_GetInfo>();
  visit.template operator()<"C_GetSlotList", &List::C_GetSlotList>();
  visit.template operator()<"C_GetSlotInfo", &List::C_GetSlotInfo>();
  visit.template operator()<"C_GetTokenInfo", &List::C_GetTokenInfo>();
  visit.template operator()<"C_GetMechanismList", &List::C_GetMechanismList>();
  visit.template operator()<"C_GetMechanismInfo", &List::C_GetMechanismInfo>();
  visit.template operator()<"C_InitToken", &List::C_InitToken>();
  visit.template operator()<"C_InitPIN", &List::C_InitPIN>();
  visit.template operator()<"C_SetPIN", &List::C_SetPIN>();
  visit.template operator()<"C_OpenSession", &List::C_OpenSession>();
  visit.template operator()<"C_CloseSession", &List::C_CloseSession>();
  visit.template operator()<"C_CloseAllSessions", &List::C_CloseAllSessions>();
  visit.template operator()<"C_GetSessionInfo", &List::C_GetSessionInfo>();
  visit.template operator()<"C_GetOperationState", &List::C_GetOperationState>();
  visit.template operator()<"C_SetOperationState", &List::C_SetOperationState>();
  visit.template operator()<"C_Login", &List::C_Login>();
  visit.template operator()<"C_Logout", &List::C_Logout>();
  visit.template operator()<"C_CreateObject", &List::C_CreateObject>();
  visit.template operator()<"C_CopyObject", &List::C_CopyObject>();
  visit.template operator()<"C_DestroyObject", &List::C_DestroyObject>();
  visit.template operator()<"C_GetObjectSize", &List::C_GetObjectSize>();
  visit.template operator()<"C_GetAttributeValue", &List::C_GetAttributeValue>();
  visit.template operator()<"C_SetAttributeValue", &List::C_SetAttributeValue>();
  visit.template operator()<"C_FindObjectsInit", &List::C_FindObjectsInit>();
  visit.template operator()<"C_FindObjects", &List::C_FindObjects>();
  visit.template operator()<"C_FindObjectsFinal", &List::C_FindObjectsFinal>();
  visit.template operator()<"C_EncryptInit", &List::C_EncryptInit>();
  visit.template operator()<"C_Encrypt", &List::C_Encrypt>();
  visit.template operator()<"C_EncryptUpdate", &List::C_EncryptUpdate>();
  visit.template operator()<"C_EncryptFinal", &List::C_EncryptFinal>();
  visit.template operator()<"C_DecryptInit", &List::C_DecryptInit>();
  visit.template operator()<"C_Decrypt", &List::C_Decrypt>();
  visit.template operator()<"C_DecryptUpdate", &List::C_DecryptUpdate>();
  visit.template operator()<"C_DecryptFinal", &List::C_DecryptFinal>();
  visit.template operator()<"C_DigestInit", &List::C_DigestInit>();
  visit.template operator()<"C_Digest", &List::C_Digest>();
  visit.template operator()<"C_DigestUpdate", &List::C_DigestUpdate>();
  visit.template operator()<"C_DigestKey", &List::C_DigestKey>();
  visit.template operator()<"C_DigestFinal", &List::C_DigestFinal>();
  visit.template operator()<"C_SignInit", &List::C_SignInit>();
  visit.template operator()<"C_Sign", &List::C_Sign>();
  visit.template operator()<"C_SignUpdate", &List::C_SignUpdate>();
  visit.template operator()<"C_SignFinal", &List::C_SignFinal>();
  visit.template operator()<"C_SignRecoverInit", &List::C_SignRecoverInit>();
  visit.template operator()<"C_SignRecover", &List::C_SignRecover>();
  visit.template operator()<"C_VerifyInit", &List::C_VerifyInit>();
  visit.template operator()<"C_Verify", &List::C_Verify>();
  visit.template operator()<"C_VerifyUpdate", &List::C_VerifyUpdate>();
  visit.template operator()<"C_VerifyFinal", &List::C_VerifyFinal>();
  visit.template operator()<"C_VerifyRecoverInit", &List::C_VerifyRecoverInit>();
  visit.template operator()<"C_VerifyRecover", &List::C_VerifyRecover>();
  visit.template operator()<"C_DigestEncryptUpdate", &List::C_DigestEncryptUpdate>();
  visit.template operator()<"C_DecryptDigestUpdate", &List::C_DecryptDigestUpdate>();
  visit.template operator()<"C_SignEncryptUpdate", &List::C_SignEncryptUpdate>();
  visit.template operator()<"C_DecryptVerifyUpdate", &List::C_DecryptVerifyUpdate>();
  visit.template operator()<"C_GenerateKey", &List::C_GenerateKey>();
  visit.template operator()<"C_GenerateKeyPair", &List::C_GenerateKeyPair>();
  visit.template operator()<"C_WrapKey", &List::C_WrapKey>();
  visit.template operator()<"C_UnwrapKey", &List::C_UnwrapKey>();
  visit.template operator()<"C_DeriveKey", &List::C_DeriveKey>();
  visit.template operator()<"C_SeedRandom", &List::C_SeedRandom>();
  visit.template operator()<"C_GenerateRandom", &List::C_GenerateRandom>();
  visit.template operator()<"C_GetFunctionStatus", &List::C_GetFunctionStatus>();
  visit.template operator()<"C_CancelFunction", &List::C_CancelFunction>();
  visit.template operator()<"C_WaitForSlotEvent", &List::C_WaitForSlotEvent>();
}

constexpr std::size_t kFunctions = [] {
  std::size_t count = 0;
  for_each_function([&count]<Name kName, auto kMember>() { ++count; });
  return count;
}();
static_assert(sizeof(CK_FUNCTION_LIST) == offsetof(CK_FUNCTION_LIST, C_Initialize) + (kFunctions + 1) * sizeof(void*));

inline const std::vector<std::string>& function_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for_each_function([&names]<Name kName, auto kMember>() { names.emplace_back(kName.text); });
    return names;
  }();
  return kNames;
}

}  // namespace hubseal::test
