#include "daemon/authorities.h"

#include <fmt/format.h>

#include "daemon/register.h"

namespace hubseal::daemon {
namespace {

Result<std::shared_ptr<const Authority>> decode(CaRecord record) {
  auto authority = std::make_shared<Authority>();
  authority->record = std::move(record);
  if (!authority->record.certificate.empty()) {
    auto certificate = TRY(x509::Certificate::parse_der(authority->record.certificate));
    authority->certificate_pem = certificate.to_pem();
    authority->issuer = TRY(ca::Issuer::of(std::move(certificate)));
  }
  return authority;
}

}  // namespace

Result<std::unique_ptr<Authorities>> Authorities::open(Registry& registry) {
  std::unique_ptr<Authorities> authorities(new Authorities(registry));
  for (CaRecord& record : TRY(registry.read(ca_table::list))) {
    const std::string name = record.name;
    authorities->authorities_.lock()->emplace(name, TRY(decode(std::move(record))));
  }
  return authorities;
}

Result<std::shared_ptr<const Authority>> Authorities::find(std::string_view name) const {
  auto map = authorities_.lock();
  const auto found = map->find(name);
  if (found == map->end()) return fail(Code::not_found, fmt::format("there is no CA \"{}\"", name));
  return found->second;
}

Result<std::shared_ptr<const Authority>> Authorities::find_active(std::string_view name) const {
  auto authority = TRY(find(name));
  if (!authority->issuer)
    return fail(Code::policy_denied, fmt::format("CA \"{}\" waits for its certificate from an outside root", name));
  if (authority->record.retired_at)
    return fail(Code::policy_denied, fmt::format("CA \"{}\" was retired at {} and issues no more", name,
                                                 format_utc(*authority->record.retired_at)));
  return authority;
}

std::vector<std::string> Authorities::names() const {
  std::vector<std::string> names;
  auto map = authorities_.lock();
  for (const auto& [name, authority] : *map) names.push_back(name);
  return names;
}

bool Authorities::uses_key(std::string_view label) const {
  auto map = authorities_.lock();
  for (const auto& [name, authority] : *map)
    if (authority->record.key == label) return true;
  return false;
}

Result<> Authorities::update(const CaRecord& before, const CaRecord& after, const Grant& grant) {
  auto authority = TRY(decode(after));
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(grant.use(database));
    if (TRY(ca_table::update(database, before, after))) return {};
    return fail(Code::conflict,
                fmt::format("CA \"{}\" was changed by somebody else meanwhile; nothing was changed", before.name));
  }));
  authorities_.lock()->insert_or_assign(after.name, std::move(authority));
  return {};
}

Result<> Authorities::add(const CaRecord& record, const Along& along) {
  auto authority = TRY(decode(record));
  TRY(registry_.write([&](Database& database) -> Result<> {
    TRY(Register::check_ca_name(database, record.name));  // somebody may have been entered since it was looked at
    TRY(ca_table::add(database, record));
    return along ? along(database) : Result<>();
  }));
  authorities_.lock()->emplace(record.name, std::move(authority));
  return {};
}

}  // namespace hubseal::daemon
