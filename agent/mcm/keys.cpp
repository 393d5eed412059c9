#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "agent/mcm/context.h"
#include "agent/service/dfsps.h"
#include "agent/service/jws_keys.h"
#include "common/log.h"

namespace hubseal::agent::mcm {
namespace {

class Keys {
 public:
  explicit Keys(Context& context) : context_(context) {}

  /// Under the DFSP's id; before October 2025 MCM took its number, and left those records in place.
  void add_native() {
    std::vector<const VaultRecord*> records;
    context_.for_each_record("dfsp-jws-certs", [&](const VaultRecord& record) { records.push_back(&record); });
    // Of several for one DFSP: its id as it is spelled, then in another letter case, then its number.
    std::stable_sort(records.begin(), records.end(), [&](const auto* a, const auto* b) { return rank(*a) < rank(*b); });
    for (const VaultRecord* record : records) {
      const std::string& name = record->names.front();
      if (context_.is_hub(name)) {
        context_.leave_out(record->path, "it is the hub's, whose key is in the HSM: tell participants of the new one");
        continue;
      }
      if (const auto owner = owner_of(*record)) note(*record, add(*record, *owner, true, std::nullopt));
    }
  }

  void add_external() {
    context_.for_each_record("dfsp-external-jws-certs",
                             [&](const VaultRecord& record) { note(record, add_external(record)); });
  }

 private:
  int rank(const VaultRecord& record) const {
    const auto named = context_.named(record.names.front());
    return !named ? 2 : *named == record.names.front() ? 0 : 1;
  }

  std::optional<std::string> owner_of(const VaultRecord& record) {
    if (auto named = context_.named(record.names.front())) return named;
    return context_.owner(record);
  }

  Result<> add_external(const VaultRecord& record) {
    const std::string& name = record.names.front();
    TRY(check_dfsp_id(name));
    if (context_.is_hub(name)) return fail(Code::conflict, "it is under the hub's own name");
    if (name == "undefined") return fail(Code::bad_request, "MCM stored it without the name of its DFSP");
    if (const auto native = context_.named(name))
      return fail(Code::conflict, fmt::format("DFSP {} is a participant here", *native));
    const auto source = source_of(name);
    if (++of_source_[source.value_or("")] > store::kMaxExternalKeys)
      return fail(Code::conflict,
                  fmt::format("{} has brought {} already", source.value_or("the hub"), store::kMaxExternalKeys));
    return add(record, name, false, source);
  }

  /// The proxy that brought it, where MCM noted one that is a proxy here.
  std::optional<std::string> source_of(const std::string& name) {
    std::optional<std::string> source;
    context_.for_each_row("external_dfsps", [&](const DumpRow& row) {
      if (row.text("external_dfsp_id") == name) source = context_.named(row.text("source_dfsp_id").value_or(""));
    });
    for (const auto& participant : context_.out.import.participants)
      if (participant.dfsp.id == source && participant.dfsp.is_proxy.value_or(false)) return source;
    return std::nullopt;
  }

  Result<> add(const VaultRecord& record, const std::string& dfsp_id, bool native,
               const std::optional<std::string>& source) {
    if (const auto other = seen_.find(store::folded(dfsp_id)); other != seen_.end())
      return fail(Code::conflict, fmt::format("the key of DFSP {} is taken from {}", dfsp_id, other->second));
    store::JwsKey key{};
    key.dfsp_id = dfsp_id;
    key.public_key = TRY(text_of(record, "publicKey")).value_or("");
    if (key.public_key.empty() || key.public_key.size() > kMaxJwsKeyBytes)
      return fail(Code::bad_request, fmt::format("its publicKey is empty or over {} bytes", kMaxJwsKeyBytes));
    if (!private_key_in(key.public_key).empty()) return fail(Code::bad_request, "its publicKey is a private key");
    if (const auto created = record.data.find("createdAt"); created != record.data.end() && created->is_number())
      key.created_at_json = dump_json(*created);
    const auto validations = validate_jws_key(key.public_key);
    key.validations_json = dump_json(to_json(validations));
    key.validation_state = to_string(overall(validations));
    seen_[store::folded(dfsp_id)] = record.path;
    context_.out.import.keys.push_back({std::move(key), native, source});
    compare_verdicts(context_, record, validations);
    context_.count(native ? "JWS keys of participants" : "JWS keys of other schemes' participants");
    return {};
  }

  void note(const VaultRecord& record, const Result<>& added) {
    if (!added) context_.leave_out(record.path, added.error().message);
  }

  Context& context_;
  std::map<std::string, std::string> seen_;  // folded id -> where its key was
  std::map<std::string, int> of_source_;
};

}  // namespace

void import_jws_keys(Context& context) {
  Keys keys(context);
  keys.add_native();
  keys.add_external();
}

}  // namespace hubseal::agent::mcm
