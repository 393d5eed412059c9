#include <nlohmann/json.hpp>

#include "common/x509/public_key.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"

namespace hubseal::daemon::ops {

Result<Json> get_checkpoint(Call& call, Fields fields) {
  TRY(fields.nothing_left());
  const auto latest = TRY(call.services.checkpoints.latest());
  const Bytes spki = TRY(call.services.checkpoints.public_key());
  const PkeyPtr key = TRY(x509::public_key_from_spki(spki));
  return Json{{"origin", latest.checkpoint.origin},
              {"size", latest.checkpoint.size},
              {"root", to_base64(latest.checkpoint.root)},
              {"note", latest.note},
              {"public_key", TRY(public_key_pem(key.get()))}};
}

Result<Json> add_cosignature(Call& call, Fields fields) {
  const std::string note = TRY(fields.text("note", 8192));
  TRY(fields.nothing_left());
  const auto names = TRY(call.services.checkpoints.add_cosignatures(note));
  call.details["witnesses"] = names;
  return Json{{"witnesses", names}};
}

}  // namespace hubseal::daemon::ops
