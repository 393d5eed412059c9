#include "tests/bench/raw_sign.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

#include "hsm/key.h"
#include "hsm/mechanism.h"

namespace hubseal::bench {
namespace {

using hsm::to_error;

Result<> accept(CK_RV value, CK_RV also_good, const char* call) {
  if (value == CKR_OK || value == also_good) return {};
  return tl::unexpected(to_error(value, call));
}

Result<CK_FUNCTION_LIST*> load(const std::filesystem::path& module) {
  void* object = ::dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  const auto get = object ? reinterpret_cast<CK_C_GetFunctionList>(::dlsym(object, "C_GetFunctionList")) : nullptr;
  CK_FUNCTION_LIST* functions = nullptr;
  if (!get || get(&functions) != CKR_OK) return fail(Code::hsm_unavailable, "no PKCS#11 module: " + module.string());
  CK_C_INITIALIZE_ARGS arguments{};
  arguments.flags = CKF_OS_LOCKING_OK;
  TRY(accept(functions->C_Initialize(&arguments), CKR_CRYPTOKI_ALREADY_INITIALIZED, "C_Initialize"));
  return functions;
}

Result<CK_SLOT_ID> find_slot(CK_FUNCTION_LIST* functions, const std::string& label) {
  CK_ULONG count = 64;
  std::vector<CK_SLOT_ID> slots(count);
  TRY(accept(functions->C_GetSlotList(CK_TRUE, slots.data(), &count), CKR_OK, "C_GetSlotList"));
  for (CK_ULONG i = 0; i < count; ++i) {
    CK_TOKEN_INFO info{};
    std::string padded = label;
    padded.resize(sizeof info.label, ' ');
    if (functions->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
        std::memcmp(info.label, padded.data(), padded.size()) == 0)
      return slots[i];
  }
  return fail(Code::not_found, "no token labelled " + label);
}

}  // namespace

RawSigner::RawSigner(RawSigner&& other) noexcept
    : functions_(other.functions_),
      session_(std::exchange(other.session_, 0)),
      handle_(other.handle_),
      mechanism_(other.mechanism_),
      input_(std::move(other.input_)) {}

RawSigner::~RawSigner() {
  if (session_ != 0) static_cast<CK_FUNCTION_LIST*>(functions_)->C_CloseSession(session_);
}

Result<RawSigner> RawSigner::open(const RawSignConfig& config) {
  RawSigner signer;
  CK_FUNCTION_LIST* functions = TRY(load(config.module));
  signer.functions_ = functions;
  const CK_SLOT_ID slot = TRY(find_slot(functions, config.label));
  TRY(accept(functions->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &signer.session_), CKR_OK,
             "C_OpenSession"));
  std::string pin = config.pin;
  TRY(accept(functions->C_Login(signer.session_, CKU_USER, reinterpret_cast<CK_UTF8CHAR*>(pin.data()), pin.size()),
             CKR_USER_ALREADY_LOGGED_IN, "C_Login"));

  hsm::Cryptoki cryptoki(functions);
  const hsm::Session session{cryptoki, signer.session_};
  for (const hsm::Key& key : TRY(hsm::find_keys(session))) {
    if (key.id != config.key) continue;
    signer.handle_ = key.handle;
    const auto digest = sha256(as_bytes("raw"));
    signer.mechanism_ = is_rsa(key.type) ? CKM_RSA_PKCS : CKM_ECDSA;
    signer.input_ = is_rsa(key.type) ? hsm::digest_info(SignatureAlgorithm::rsa_pkcs1_sha256, digest)
                                     : Bytes(digest.begin(), digest.end());
  }
  if (signer.handle_ == 0) return fail(Code::not_found, "no key " + to_string(config.key));
  if (config.session_copy) {
    CK_ATTRIBUTE in_session[] = {hsm::attribute(CKA_TOKEN, hsm::kFalse)};
    TRY(accept(functions->C_CopyObject(signer.session_, signer.handle_, in_session, 1, &signer.handle_), CKR_OK,
               "C_CopyObject"));
  }
  return signer;
}

bool RawSigner::sign() {
  auto* functions = static_cast<CK_FUNCTION_LIST*>(functions_);
  CK_MECHANISM mechanism{mechanism_, nullptr, 0};
  CK_BYTE signature[512];
  CK_ULONG size = sizeof signature;
  return functions->C_SignInit(session_, &mechanism, handle_) == CKR_OK &&
         functions->C_Sign(session_, input_.data(), input_.size(), signature, &size) == CKR_OK;
}

}  // namespace hubseal::bench
