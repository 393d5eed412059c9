#include "daemon/quota/quotas.h"

#include <time.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <fmt/format.h>

#include "daemon/registry/quota_table.h"

namespace hubseal::daemon {
namespace {

using std::chrono::milliseconds;

// A lease lets an eighth of the bucket, or what comes in a minute, go by without a write.
constexpr double kLeasePart = 1.0 / 8;
constexpr std::chrono::minutes kLeaseTime{1};

const Quota& limit_of(const QuotaLimits& limits, const Use& use) {
  return use.limit ? *use.limit : limits.at(static_cast<std::size_t>(use.kind));
}

double refilled(double level, milliseconds at, milliseconds now, const Quota& quota) {
  const double seconds = static_cast<double>(std::max<milliseconds::rep>(0, (now - at).count())) / 1000;
  return std::min(static_cast<double>(quota.burst), level + quota.rate() * seconds);
}

constexpr std::string_view kPeople = "people/";  // no participant's name has a slash

std::string whose_subject(std::string_view name) {
  const bool by_people = name.starts_with(kPeople);
  if (by_people) name.remove_prefix(kPeople.size());
  return fmt::format("{}{}", name.empty() ? "participants that are not registered" : fmt::format("subject {}", name),
                     by_people ? ", asked for by people" : "");
}

/// "PROFILE/" and what the participant's own bucket is called; no profile's name has a slash.
std::string whose_profile(std::string_view name) {
  const std::size_t slash = name.find('/');
  return fmt::format("profile {}, {}", name.substr(0, slash), whose_subject(name.substr(slash + 1)));
}

std::string whose(const Use& use) {
  switch (use.kind) {
    case QuotaKind::subject: return whose_subject(use.name);
    case QuotaKind::uid:
    case QuotaKind::keys_made:
    case QuotaKind::refusals: return "uid " + use.name;
    case QuotaKind::key: return "key " + use.name;
    case QuotaKind::ocsp:
    case QuotaKind::ocsp_once: return "CA " + use.name;
    case QuotaKind::profile: return whose_profile(use.name);
  }
  return use.name;
}

tl::unexpected<Error> used_up(const Use& use, const Quota& quota, double level) {
  return fail(Code::rate_limited,
              fmt::format("quota.{} of {} is used up: {} at once, and {} more every {} s; try again in {} s",
                          to_string(use.kind), whose(use), quota.burst, quota.refill, quota.refill_time.count(),
                          static_cast<std::int64_t>(std::ceil((1 - level) / quota.rate()))));
}

}  // namespace

std::string_view to_string(QuotaKind kind) {
  for (const auto& [name, value] : kQuotaKinds)
    if (value == kind) return name;
  return "unknown";
}

Use use_of_subject(std::string_view subject, bool by_people) {
  return {QuotaKind::subject, fmt::format("{}{}", by_people ? kPeople : "", subject)};
}

Use use_of_profile(std::string_view profile, const Quota& limit, const Use& subject) {
  return {QuotaKind::profile, fmt::format("{}/{}", profile, subject.name), &limit};
}

milliseconds Quotas::since_boot() {
  timespec time{};
  ::clock_gettime(CLOCK_BOOTTIME, &time);
  return std::chrono::seconds(time.tv_sec) + milliseconds(time.tv_nsec / 1'000'000);
}

Result<std::unique_ptr<Quotas>> Quotas::open(Registry& registry, const Clock& clock, Elapsed elapsed) {
  std::unique_ptr<Quotas> quotas(new Quotas(registry, clock, std::move(elapsed)));
  TRY(quotas->restore());
  return quotas;
}

Result<> Quotas::restore() {
  const milliseconds now = elapsed_();
  const TimePoint time = clock_.now();
  auto buckets = buckets_.lock();
  for (const QuotaRecord& record : TRY(registry_.read(quota_table::list))) {
    // A lease that still runs keeps the bucket from filling until it ends. None runs longer: a later time was written
    // by a clock that was ahead, and would keep the bucket empty for as long as that.
    const milliseconds at = now + std::min<TimePoint::duration>(record.at - time, kLeaseTime);
    const auto level = static_cast<double>(record.level);
    buckets->insert_or_assign(Key{record.kind, record.name}, Bucket{level, at, level, at});
  }
  return {};
}

/// The bucket of `use` as it is now; a full one that nothing is known of.
Quotas::Bucket& Quotas::filled(Buckets& buckets, const Use& use, const Quota& quota, milliseconds now) const {
  const auto full = static_cast<double>(quota.burst);
  Bucket& bucket = buckets.try_emplace(Key{use.kind, use.name}, Bucket{full, now, full, now}).first->second;
  bucket.level = refilled(bucket.level, bucket.at, now, quota);
  bucket.at = std::max(bucket.at, now);
  return bucket;
}

Result<> Quotas::renew_lease(const Use& use, Bucket& bucket, const Quota& quota, milliseconds now) {
  if (bucket.level >= refilled(bucket.lease, bucket.lease_until, now, quota)) return {};
  const double lease = std::max(0.0, std::floor(bucket.level - static_cast<double>(quota.burst) * kLeasePart));
  const QuotaRecord record{
      .kind = use.kind, .name = use.name, .level = static_cast<std::int64_t>(lease), .at = clock_.now() + kLeaseTime};
  TRY(registry_.write([&](Database& database) { return quota_table::set(database, record); }));
  bucket.lease = lease;
  bucket.lease_until = now + kLeaseTime;
  return {};
}

Result<> Quotas::take(const QuotaLimits& limits, std::span<const Use> uses) {
  const milliseconds now = elapsed_();
  std::vector<std::pair<const Use*, Bucket*>> taken;
  auto buckets = buckets_.lock();
  for (const Use& use : uses) {
    const Quota& quota = limit_of(limits, use);
    if (quota.unlimited) continue;
    Bucket& bucket = filled(*buckets, use, quota, now);
    if (bucket.level < 1) return used_up(use, quota, bucket.level);
    taken.emplace_back(&use, &bucket);
  }
  // What is not written down is not granted.
  for (const auto& [use, bucket] : taken) bucket->level -= 1;
  for (const auto& [use, bucket] : taken)
    if (const auto written = renew_lease(*use, *bucket, limit_of(limits, *use), now); !written) {
      for (const auto& [other, back] : taken) back->level += 1;
      return written;
    }
  return {};
}

void Quotas::give_back(const Use& use) {
  auto buckets = buckets_.lock();
  const auto found = buckets->find(Key{use.kind, use.name});
  if (found != buckets->end()) found->second.level += 1;  // bounded again when it is next looked at
}

Result<> Quotas::save() {
  const TimePoint time = clock_.now();
  const milliseconds now = elapsed_();
  auto buckets = buckets_.lock();
  std::vector<QuotaRecord> records;
  for (const auto& [key, bucket] : *buckets)
    records.push_back({.kind = key.first,
                       .name = key.second,
                       .level = static_cast<std::int64_t>(std::max(0.0, bucket.level)),
                       .at = time + std::chrono::ceil<std::chrono::seconds>(bucket.at - now)});
  return registry_.write([&](Database& database) -> Result<> {
    for (const QuotaRecord& record : records) TRY(quota_table::set(database, record));
    return {};
  });
}

}  // namespace hubseal::daemon
