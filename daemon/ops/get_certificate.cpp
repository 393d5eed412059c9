#include <nlohmann/json.hpp>

#include "common/x509/certificate.h"
#include "daemon/dispatch.h"
#include "daemon/find_certificate.h"
#include "daemon/ops/operations.h"
#include "daemon/ops/views.h"

namespace hubseal::daemon::ops {

Result<Json> get_certificate(Call& call, Fields fields) {
  const std::string ca = TRY(fields.name("ca", kMaxName));
  const x509::Serial serial = TRY(x509::Serial::parse(TRY(fields.text("serial", 40))));
  TRY(fields.nothing_left());
  const CertificateRecord record =
      TRY(find_certificate(call.services.registry, call.services.authorities, ca, serial.hex()));
  Json view = view_of(record);
  if (record.issued()) view["certificate"] = certificate_pem(record);
  return view;
}

}  // namespace hubseal::daemon::ops
