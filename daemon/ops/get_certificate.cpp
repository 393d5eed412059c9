#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "common/x509/certificate.h"
#include "daemon/dispatch.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_certificate(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const x509::Serial serial = TRY(x509::Serial::parse(TRY(fields.text("serial", 40))));
  TRY(fields.nothing_left());
  const auto record = TRY(call.services.registry.read(
      [&](Database& database) { return certificate_table::find(database, ca, serial.hex()); }));
  if (!record)
    return fail(Code::not_found, fmt::format("CA \"{}\" has no certificate with serial {}", ca, serial.hex()));
  Json view = view_of(*record);
  if (record->issued()) view["certificate"] = certificate_pem(*record);
  return view;
}

}  // namespace hubseal::daemon::ops
