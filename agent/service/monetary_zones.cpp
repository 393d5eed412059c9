#include "agent/service/monetary_zones.h"

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::agent {

Result<std::vector<store::Dfsp>> MonetaryZones::dfsps(const std::string& zone) {
  std::vector<store::Dfsp> list = TRY(dfsps_.list());
  std::erase_if(list, [&](const store::Dfsp& dfsp) { return dfsp.monetary_zone != zone; });
  if (list.empty())
    return fail(Code::not_found, fmt::format("dfsp with monetaryZoneId = {} not found", log::printable(zone, 16)));
  return list;
}

}  // namespace hubseal::agent
