#include <nlohmann/json.hpp>

#include "common/jose/jwk.h"
#include "daemon/dispatch.h"
#include "daemon/ops/new_key.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {
namespace {

// A tls key comes with its CSR (create_csr) and not by itself.
constexpr std::array<std::pair<std::string_view, KeyUse>, 2> kUses = {{{"ca", KeyUse::ca}, {"jws", KeyUse::jws}}};

constexpr std::array<std::pair<std::string_view, KeyLife>, 2> kStarts = {
    {{"active", KeyLife::active}, {"pre_activation", KeyLife::pre_activation}}};

}  // namespace

Result<Json> create_key(Call& call, Fields fields) {
  const std::string label = TRY(fields.name("label", kMaxName));
  const KeyType type = TRY(fields.choice("type", kKeyTypes));
  const KeyUse use = TRY(fields.choice("use", kUses));
  KeyStart start;
  if (fields.has("state")) start.life = TRY(fields.choice("state", kStarts));
  if (TRY(fields.boolean_or("backup_required", false))) start.backup = KeyBackup::required;
  if (fields.has("algorithm")) start.algorithm = TRY(fields.choice("algorithm", jose::kJwsAlgorithms));
  TRY(fields.nothing_left());
  call.details = {{"key", label}, {"type", to_string(type)}, {"use", to_string(use)}};
  if (start.life != KeyLife::active) call.details["state"] = to_string(start.life);
  if (start.backup != KeyBackup::none) call.details["backup"] = to_string(start.backup);
  if (start.algorithm) call.details["algorithm"] = jose::jws_algorithm(*start.algorithm);
  if (use == KeyUse::jws) TRY(check_jws_key(type, start.algorithm));
  if (use != KeyUse::jws && start.algorithm)
    return fail(Code::bad_request, "\"algorithm\" is for keys whose use is jws; a CA's is said by its profile");
  Json content = call.details;
  content["label"] = label;
  content.erase("key");
  return full_view_of(
      TRY(make_key(call, {label, type, use, start}, {.operation = "create_key", .about = label, .content = content})));
}

}  // namespace hubseal::daemon::ops
