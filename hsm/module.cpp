#include "hsm/module.h"

#include <dlfcn.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libp11.h>

#include "common/log.h"
#include "common/openssl.h"
#include "hsm/return_code.h"

namespace hubseal::hsm {
namespace {

Result<CK_FUNCTION_LIST*> load_functions(const std::filesystem::path& path) {
  if (!path.is_absolute())
    return fail(Code::bad_request, fmt::format("PKCS#11 module {}: the path must be absolute", path.string()));
  // libp11 opens the same object again; RTLD_NODELETE outlives its dlclose.
  void* object = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!object)
    return fail(Code::hsm_unavailable,
                fmt::format("PKCS#11 module {} cannot be loaded: {}", path.string(), ::dlerror()));
  const auto get_functions = reinterpret_cast<CK_C_GetFunctionList>(::dlsym(object, "C_GetFunctionList"));
  CK_FUNCTION_LIST* functions = nullptr;
  if (!get_functions || get_functions(&functions) != CKR_OK || !functions)
    return fail(Code::hsm_unavailable, fmt::format("{} is not a PKCS#11 module", path.string()));
  return functions;
}

std::string text_or_empty(const char* text) { return text ? text : ""; }

Token describe_slot(PKCS11_SLOT* slot) {
  const PKCS11_TOKEN& token = *slot->token;
  return {.slot = PKCS11_get_slotid_from_slot(slot),
          .label = text_or_empty(token.label),
          .serial = text_or_empty(token.serialnr),
          .manufacturer = text_or_empty(token.manufacturer),
          .initialized = token.initialized != 0,
          .user_pin_set = token.userPinSet != 0,
          .pin_count_low = token.userPinCountLow != 0,
          .pin_final_try = token.userPinFinalTry != 0,
          .pin_locked = token.userPinLocked != 0,
          .pin_to_be_changed = token.userPinToBeChanged != 0};
}

}  // namespace

std::string describe(const TokenIdentity& identity) {
  return fmt::format("serial {} of {}", log::printable(identity.serial, 16), log::printable(identity.manufacturer, 32));
}

std::string describe(const std::vector<Token>& tokens) {
  if (tokens.empty()) return "none";
  std::vector<std::string> words;
  for (const Token& token : tokens)
    words.push_back(token.initialized ? fmt::format("{} (serial {})", log::printable(token.label, 32),
                                                    log::printable(token.serial, 16))
                                      : "an uninitialised token");
  return fmt::format("{}", fmt::join(words, ", "));
}

Error libp11_error(std::string_view call) {
  const unsigned long queued = ERR_peek_last_error();
  if (queued != 0 && ERR_GET_LIB(queued) == ERR_get_CKR_code()) {
    drain_openssl_errors();
    return to_error(static_cast<CK_RV>(ERR_GET_REASON(queued)), call);
  }
  return {Code::hsm_unavailable, fmt::format("{}: {}", call, drain_openssl_errors())};
}

Result<std::unique_ptr<Module>> Module::initialize(const std::filesystem::path& path) {
  CK_FUNCTION_LIST* functions = TRY(load_functions(path));
  drain_openssl_errors();
  PKCS11_CTX* context = PKCS11_CTX_new();
  if (!context) return tl::unexpected(libp11_error("PKCS11_CTX_new"));
  if (PKCS11_CTX_load(context, path.c_str()) != 0) {
    const Error error = libp11_error("C_Initialize");
    PKCS11_CTX_free(context);
    return tl::unexpected(error);
  }
  return std::unique_ptr<Module>(new Module(functions, context));
}

Module::~Module() {
  release_slots();
  PKCS11_CTX_unload(context_);  // C_Finalize
  PKCS11_CTX_free(context_);
  drain_openssl_errors();
}

void Module::release_slots() {
  // Trap: this calls C_CloseAllSessions on every slot, so it may only run when ours are not in use.
  if (slots_) PKCS11_release_all_slots(context_, slots_, slot_count_);
  slots_ = nullptr;
  slot_count_ = 0;
}

Result<std::vector<Token>> Module::tokens() {
  release_slots();
  if (PKCS11_enumerate_slots(context_, &slots_, &slot_count_) != 0) {
    slots_ = nullptr;
    slot_count_ = 0;
    return tl::unexpected(libp11_error("C_GetSlotList"));
  }
  std::vector<Token> tokens;
  for (unsigned i = 0; i < slot_count_; ++i)
    if (slots_[i].token) tokens.push_back(describe_slot(&slots_[i]));
  return tokens;
}

PKCS11_SLOT* Module::slot(std::size_t index) {
  for (unsigned i = 0; i < slot_count_; ++i)
    if (slots_[i].token && index-- == 0) return &slots_[i];
  return nullptr;
}

Result<Token> find_token(Module& module, const TokenConfig& config, const std::optional<TokenIdentity>& known) {
  const std::vector<Token> tokens = TRY(module.tokens());
  const std::string wanted = config.label ? fmt::format("labelled {}", log::printable(*config.label, 32))
                                          : fmt::format("with serial {}", log::printable(*config.serial, 16));
  std::vector<Token> matches;
  for (const Token& token : tokens)
    if (token.initialized && (config.label ? token.label == *config.label : token.serial == *config.serial))
      matches.push_back(token);
  if (matches.empty())
    return fail(Code::hsm_unavailable, fmt::format("wanted the token {}; found {}", wanted, describe(tokens)));
  if (known) {
    const Token other = matches.front();
    std::erase_if(matches, [&known](const Token& token) { return token.identity() != *known; });
    if (matches.empty())
      return fail(
          Code::hsm_unavailable,
          fmt::format("the token {} is another one: found {}, wanted {}, with which this process began. It gets "
                      "no PIN: put the first one back, or restart hubseald to use this one",
                      wanted, describe(other.identity()), describe(*known)));
  }
  if (matches.size() == 1) return matches.front();
  return fail(Code::hsm_unavailable,
              fmt::format("wanted one token {}; found {}: name it by serial", wanted, describe(matches)));
}

}  // namespace hubseal::hsm
