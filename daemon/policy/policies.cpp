#include "daemon/policy/policies.h"

#include <unistd.h>

#include <algorithm>

#include <fmt/format.h>

#include "common/log.h"

namespace hubseal::daemon {
namespace {

PolicyRecord record_of(std::int64_t version, const PolicySource& source, const Policies::Loader& loader,
                       TimePoint now) {
  const PolicyHash hash = hash_of(source);
  return {.version = version,
          .hash = Bytes(hash.begin(), hash.end()),
          .loaded_at = now,
          .peer = loader.peer,
          .uid = loader.uid,
          .approval = loader.approval};
}

bool same(const Bytes& stored, const PolicyHash& hash) {
  return std::equal(stored.begin(), stored.end(), hash.begin(), hash.end());
}

/// The newest that was stored.
Result<Policy> decode_stored(const PolicyRecord& record, const PolicySource& source) {
  if (!same(record.hash, hash_of(source)))
    return fail(
        Code::storage_unavailable,
        fmt::format("policy version {} of the registry is not what was stored: its SHA-256 differs", record.version));
  auto policy = decode_policy(source);
  if (!policy)
    return fail(policy.error().code,
                fmt::format("policy version {}, as it was stored: {}. If an older hubseald stored it, put the files "
                            "right and take them into force with: hubseald --adopt-policy",
                            record.version, policy.error().message));
  policy->version = record.version;
  return policy;
}

}  // namespace

Result<std::unique_ptr<Policies>> Policies::open(const PolicyFiles& files, Registry& registry, const Clock& clock) {
  auto policy = std::make_shared<Policy>();
  if (const auto record = TRY(registry.read(policy_table::newest))) {
    PolicySource source;
    source.files =
        TRY(registry.read([&](Database& database) { return policy_table::files(database, record->version); }));
    *policy = TRY(decode_stored(*record, source));
  } else {
    const PolicySource source = TRY(read_source(files));
    *policy = TRY(decode_policy(source));
    policy->version = 1;
    const PolicyRecord first =
        record_of(1, source, {.peer = "first start", .uid = ::getuid(), .approval = {}}, clock.now());
    TRY(registry.write([&](Database& database) { return policy_table::add(database, first, source.files); }));
  }
  return std::unique_ptr<Policies>(new Policies(files, registry, clock, std::move(policy)));
}

Result<std::shared_ptr<const Policy>> Policies::replace(std::int64_t replaces, const PolicySource& source,
                                                        Policy policy, const Loader& loader,
                                                        const std::function<Result<>(Database&)>& grant) {
  policy.version = replaces + 1;
  const PolicyRecord record = record_of(policy.version, source, loader, clock_.now());
  TRY(registry_.write([&](Database& database) -> Result<> {
    const auto newest = TRY(policy_table::newest(database));
    if (newest && newest->version != replaces)
      return fail(Code::conflict,
                  fmt::format("policy version {} came into force meanwhile; wanted to replace version {}",
                              newest->version, replaces));
    TRY(grant(database));
    return policy_table::add(database, record, source.files);
  }));
  const auto next = std::make_shared<const Policy>(std::move(policy));
  auto current = current_.lock();
  if (next->version > (*current)->version) *current = next;
  log::info("policy in force", {{"version", std::to_string(next->version)}, {"sha256", to_hex(next->hash)}});
  return next;
}

Result<std::optional<Adopted>> adopt_files(const PolicyFiles& files, Registry& registry, const Clock& clock,
                                           std::int64_t uid) {
  const PolicySource source = TRY(read_source(files));
  TRY(decode_policy(source));
  const auto stored = TRY(registry.read(policy_table::newest));
  if (!stored) return std::nullopt;
  Adopted adopted{
      .version = stored->version, .changed = !same(stored->hash, hash_of(source)), .after = hash_of(source)};
  std::copy_n(stored->hash.begin(), std::min(stored->hash.size(), adopted.before.size()), adopted.before.begin());
  if (!adopted.changed) return adopted;
  const PolicyRecord record = record_of(++adopted.version, source,
                                        {.peer = "hubseald --adopt-policy", .uid = uid, .approval = {}}, clock.now());
  TRY(registry.write([&](Database& database) { return policy_table::add(database, record, source.files); }));
  return adopted;
}

}  // namespace hubseal::daemon
