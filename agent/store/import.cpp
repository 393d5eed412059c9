#include "agent/store/import.h"

#include "agent/store/nullable.h"
#include "agent/store/schema.h"
#include "common/key_types.h"

namespace hubseal::agent::store {
namespace {

namespace sql = Poco::Data::Keywords;

Cell cell(const std::string& text) { return Cell(text); }
Cell cell(const std::optional<std::string>& text) { return to_nullable(text); }
Cell cell(std::int64_t number) { return Cell(std::to_string(number)); }
Cell cell(std::optional<bool> flag) { return flag ? Cell(*flag ? "1" : "0") : Cell(); }

Column text(std::string name) { return {std::move(name), false}; }
Column number(std::string name) { return {std::move(name), true}; }

/// Rows for one table.
class Filling {
 public:
  Filling(std::string name, std::vector<Column> columns)
      : table_{std::move(name), std::move(columns)}, rows_(table_.columns.size()) {}

  /// A value for each column.
  template <class... Values>
  void add(const Values&... values) {
    std::size_t column = 0;
    (rows_[column++].push_back(cell(values)), ...);
  }

  Result<> into(Session& session) const {
    if (rows_.front().empty()) return {};
    return insert_rows(session, table_, rows_);
  }

 private:
  const Table table_;
  Rows rows_;
};

Result<> put_participants(Session& session, const Import& all, const std::string& now) {
  Filling dfsps("dfsps", {text("dfsp_id"), number("number"), text("folded_id"), text("name"), text("monetary_zone_id"),
                          number("is_proxy"), text("security_group"), text("created_at"), text("ping_status"),
                          text("ping_status_at")});
  Filling currencies("dfsp_currencies", {text("dfsp_id"), text("currency")});
  for (const auto& [dfsp, number, ping_status, ping_status_at] : all.participants) {
    dfsps.add(dfsp.id, number, folded(dfsp.id), dfsp.name, dfsp.monetary_zone, dfsp.is_proxy, dfsp.security_group, now,
              ping_status, ping_status_at);
    for (const std::string& currency : dfsp.fxp_currencies) currencies.add(dfsp.id, currency);
  }
  TRY(dfsps.into(session));
  return currencies.into(session);
}

Result<> put_endpoints(Session& session, const Import& all) {
  Filling items("endpoint_items", {number("id"), text("dfsp_id"), text("state"), text("direction"), text("type"),
                                   text("value"), text("created_at")});
  for (const EndpointItem& i : all.items)
    items.add(i.id, i.dfsp_id, i.state, i.direction, i.type, i.value_json, i.created_at);
  Filling documents("dfsp_endpoints",
                    {number("id"), text("dfsp_id"), text("direction"), text("value"), text("created_at")});
  for (const EndpointDocument& d : all.documents)
    documents.add(d.id, d.dfsp_id, d.direction, d.value_json, d.created_at);
  Filling states("dfsp_states", {text("dfsp_id"), text("state"), text("status"), text("state_description"),
                                 text("error_description"), text("last_updated")});
  for (const auto& [dfsp_id, s] : all.states)
    states.add(dfsp_id, s.state, s.status, s.state_description, s.error_description, s.last_updated);
  TRY(items.into(session));
  TRY(documents.into(session));
  return states.into(session);
}

Result<> put_certificates(Session& session, const Import& all, const std::string& now) {
  Filling cas("dfsp_cas", {text("dfsp_id"), text("root_certificate"), text("intermediate_chain"), text("validations"),
                           text("validation_state"), text("stored_at")});
  for (const auto& [dfsp_id, ca] : all.cas)
    cas.add(dfsp_id, ca.root_certificate, ca.intermediate_chain, ca.validations_json, ca.validation_state, now);
  Filling servers("dfsp_server_certs",
                  {text("dfsp_id"), text("root_certificate"), text("intermediate_chain"), text("server_certificate"),
                   text("validations"), text("validation_state"), text("stored_at")});
  for (const DfspServerCert& c : all.server_certs)
    servers.add(c.dfsp_id, c.root_certificate, c.intermediate_chain, c.server_certificate, c.validations_json,
                c.validation_state, now);
  Filling keys("jws_keys",
               {text("folded_id"), text("dfsp_id"), number("native"), text("source_dfsp_id"), text("public_key"),
                text("created_at"), text("validations"), text("validation_state"), text("stored_at")});
  for (const auto& [key, native, source] : all.keys)
    keys.add(folded(key.dfsp_id), key.dfsp_id, std::int64_t{native}, source, key.public_key, key.created_at_json,
             key.validations_json, key.validation_state, now);
  TRY(cas.into(session));
  TRY(servers.into(session));
  return keys.into(session);
}

Result<> put_enrollments(Session& session, const Import& all, const std::string& now) {
  Filling inbound("inbound_enrollments",
                  {number("id"), text("dfsp_id"), text("state"), text("csr"), text("csr_sha256"), text("csr_info"),
                   text("validations"), text("validation_state"), text("certificate"), text("cert_info"),
                   text("created_at"), text("signed_at")});
  for (const auto& [e, canonical_csr] : all.inbound)
    inbound.add(e.id, e.dfsp_id, e.state, e.csr, to_hex(sha256(as_bytes(canonical_csr))), e.csr_info_json,
                e.validations_json, e.validation_state, e.certificate, e.cert_info_json, now,
                e.certificate ? std::optional(now) : std::nullopt);
  Filling outbound("outbound_enrollments",
                   {number("id"), text("dfsp_id"), text("state"), text("key_label"), text("csr"), text("csr_info"),
                    text("certificate"), text("cert_info"), text("validations"), text("validation_state"),
                    text("created_at"), text("stored_at"), number("key_in_hsm")});
  for (const OutboundEnrollment& e : all.outbound)
    outbound.add(e.id, e.dfsp_id, e.state, e.key_label, e.csr, e.csr_info_json, e.certificate, e.cert_info_json,
                 e.validations_json, e.validation_state, now, e.certificate ? std::optional(now) : std::nullopt,
                 std::int64_t{0});
  TRY(inbound.into(session));
  return outbound.into(session);
}

void set_counters(Session& session, const Import::Counters& counters) {
  const auto set = [&](const std::string& name, Poco::Int64 value) {
    session << "UPDATE counters SET value = $1 WHERE name = $2 AND value < $1", sql::bind(value), sql::bind(name),
        sql::now;
  };
  set("dfsp", counters.dfsp);
  set("enrollment", counters.enrollment);
  set("hub_endpoint_item", counters.hub_endpoint_item);
  set("dfsp_endpoint_item", counters.dfsp_endpoint_item);
  set("dfsp_endpoint", counters.dfsp_endpoint);
}

}  // namespace

Result<std::set<std::string>> currencies() {
  const auto fresh = TRY(connect({.file = kMemory}, Use::shared));
  return fresh->write([](Session& session) -> Result<std::set<std::string>> {
    TRY(migrate_within(session, embedded_migrations()));
    std::vector<std::string> zones;
    session << "SELECT monetary_zone_id FROM monetary_zones", sql::into(zones), sql::now;
    return std::set<std::string>(zones.begin(), zones.end());
  });
}

Result<> store(const Import& all, const Location& location, TimePoint now, bool rehearse) {
  const Schema schema = TRY(Schema::of(embedded_migrations()));
  const auto target = TRY(connect_target(location, rehearse));
  const std::string time = format_utc(now);
  return target->write(
      [&](Session& session) -> Result<> {
        TRY(migrate_within(session, embedded_migrations()));
        TRY(schema.require_fresh(session));
        TRY(put_participants(session, all, time));
        TRY(put_endpoints(session, all));
        TRY(put_certificates(session, all, time));
        TRY(put_enrollments(session, all, time));
        set_counters(session, all.counters);
        return {};
      },
      rehearse ? Sessions::End::undo : Sessions::End::keep);
}

}  // namespace hubseal::agent::store
