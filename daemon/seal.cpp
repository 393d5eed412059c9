#include "daemon/seal.h"

#include <fmt/format.h>

namespace hubseal::daemon {
namespace {

constexpr std::string_view kGateWord = "seal";

}  // namespace

void Seal::close_gate(const SealRecord& seal) {
  gate_.close(kGateWord, {Code::sealed, fmt::format("sealed at {} by uid {} ({}); nothing is signed until it is "
                                                    "unsealed",
                                                    format_utc(seal.at), seal.uid, seal.reason)});
}

Result<> Seal::restore() {
  auto sealed = sealed_.lock();
  *sealed = TRY(registry_.read(&seal_table::find));
  if (*sealed) close_gate(**sealed);
  return {};
}

Result<SealRecord> Seal::set(SealRecord seal) {
  auto sealed = sealed_.lock();
  if (*sealed) seal.seals = (*sealed)->seals + 1;
  close_gate(seal);
  *sealed = seal;  // first: what the registry could not take is lifted by nobody who has not seen it
  const auto written = registry_.write([&](Database& database) { return seal_table::set(database, seal); });
  if (!written)
    return fail(
        Code::storage_unavailable,
        fmt::format("nothing is signed from now on, but a restart would end that: {}", written.error().message));
  return seal;
}

Result<> Seal::lift(const std::optional<SealRecord>& agreed, const Grant& grant,
                    const std::function<Result<>(Database&)>& also) {
  auto sealed = sealed_.lock();
  if (sealed->has_value() != agreed.has_value() || (agreed && (*sealed)->seals != agreed->seals))
    return fail(Code::conflict, "somebody has sealed or unsealed meanwhile; look again (hubseal status)");
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(grant.use(database));
    if (also) TRY(also(database));
    return seal_table::remove(database);
  }));
  sealed->reset();
  gate_.open(kGateWord);
  return {};
}

}  // namespace hubseal::daemon
