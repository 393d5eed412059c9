#include "hsm/init_token.h"

#include <algorithm>

#include <fmt/format.h>
#include <libp11.h>

#include "common/log.h"
#include "hsm/module.h"

namespace hubseal::hsm {
namespace {

constexpr std::size_t kMaxLabelBytes = 32;  // CK_TOKEN_INFO: padded with blanks, so none may end it

Result<> check_label(std::string_view label) {
  if (!label.empty() && label.size() <= kMaxLabelBytes && label.back() != ' ' &&
      label.find('\0') == std::string_view::npos)
    return {};
  return fail(Code::bad_request, fmt::format("a token's label has 1 to {} bytes and does not end in a blank; found {}",
                                             kMaxLabelBytes, label.size()));
}

Result<> set_user_pin(PKCS11_SLOT* slot, const SecretBytes& so_pin, const SecretBytes& pin) {
  // libp11 keeps a copy of a PIN that it logged in with; it is wiped when the slots are released.
  if (PKCS11_open_session(slot, 1) != 0) return tl::unexpected(libp11_error("C_OpenSession"));
  if (PKCS11_login(slot, 1, so_pin.c_str()) != 0) return tl::unexpected(libp11_error("C_Login as security officer"));
  const bool done = PKCS11_init_pin(slot->token, pin.c_str()) == 0;
  const Result<> result = done ? Result<>() : tl::unexpected(libp11_error("C_InitPIN"));
  PKCS11_logout(slot);
  return result;
}

}  // namespace

Result<> init_token(const std::filesystem::path& module_path, std::string_view label, const SecretBytes& so_pin,
                    const SecretBytes& pin) {
  TRY(check_label(label));
  const auto module = TRY(Module::initialize(module_path));
  const auto labelled = [label](const Token& token) { return token.initialized && token.label == label; };

  const std::vector<Token> before = TRY(module->tokens());
  if (std::any_of(before.begin(), before.end(), labelled))
    return fail(Code::conflict, fmt::format("a token labelled {} exists already", log::printable(label, 32)));
  const auto fresh = std::find_if(before.begin(), before.end(), [](const Token& t) { return !t.initialized; });
  if (fresh == before.end())
    return fail(Code::not_found, fmt::format("no uninitialised token; found {}", describe(before)));
  PKCS11_SLOT* slot = module->slot(static_cast<std::size_t>(fresh - before.begin()));
  // libp11 hands the pointer on as it is, and C_InitToken reads 32 bytes, blank padded.
  std::string padded(label);
  padded.resize(kMaxLabelBytes, ' ');
  if (PKCS11_init_token(slot->token, so_pin.c_str(), padded.c_str()) != 0)
    return tl::unexpected(libp11_error("C_InitToken"));

  // SoftHSM gives the token another slot number once it is initialised.
  const std::vector<Token> after = TRY(module->tokens());
  const auto made = std::find_if(after.begin(), after.end(), labelled);
  if (made == after.end())
    return fail(Code::hsm_unavailable, fmt::format("the token initialised as {} is not there; found {}",
                                                   log::printable(label, 32), describe(after)));
  return set_user_pin(module->slot(static_cast<std::size_t>(made - after.begin())), so_pin, pin);
}

}  // namespace hubseal::hsm
