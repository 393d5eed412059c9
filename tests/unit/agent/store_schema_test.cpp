#include "agent/store/schema.h"

#include <algorithm>

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::store;

namespace {

std::size_t place_of(const Schema& schema, const std::string& name) {
  const auto found = std::find_if(schema.tables().begin(), schema.tables().end(),
                                  [&](const Table& table) { return table.name == name; });
  return static_cast<std::size_t>(found - schema.tables().begin());
}

/// On a database that has just been migrated.
template <class Work>
auto with_fresh(std::span<const Migration> migrations, Work work) {
  const auto sessions = connect({.file = kMemory}, Use::shared).value();
  return sessions->write([&](Session& session) {
    BOOST_REQUIRE(migrate_within(session, migrations).has_value());
    return work(session);
  });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(store_schema)

BOOST_AUTO_TEST_CASE(every_table_that_a_migration_makes_is_known_after_those_it_refers_to) {
  const Schema schema = Schema::of(embedded_migrations()).value();
  std::size_t made = 0;
  for (const Migration& migration : embedded_migrations())
    for (const std::string& statement : split_statements(migration.sql))
      if (statement.starts_with("CREATE TABLE")) ++made;
  BOOST_TEST(schema.tables().size() == made);
  BOOST_TEST(place_of(schema, "dfsps") < place_of(schema, "outbound_enrollments"));
  BOOST_TEST(place_of(schema, "outbound_enrollments") < schema.tables().size());
}

BOOST_AUTO_TEST_CASE(a_table_that_was_made_anew_still_comes_before_those_that_refer_to_it) {
  const Migration migrations[] = {
      {1, "0001_a", "CREATE TABLE a (x BIGINT REFERENCES b (x));\nCREATE TABLE b (x BIGINT PRIMARY KEY);\n"}};
  const Schema schema = Schema::of(migrations).value();
  BOOST_TEST(place_of(schema, "b") == 0u);
  BOOST_TEST(place_of(schema, "a") == 1u);
}

BOOST_AUTO_TEST_CASE(a_column_that_no_copy_knows_stops_the_program_that_brings_it) {
  const Migration migrations[] = {{1, "0001_blob", "CREATE TABLE a (x BLOB);\n"}};
  const auto refused = Schema::of(migrations);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message == "a.x is BLOB; wanted TEXT or BIGINT");
}

BOOST_AUTO_TEST_CASE(rows_are_the_same_in_any_order_and_not_with_another_value) {
  const Migration migrations[] = {{1, "0001_a", "CREATE TABLE a (x BIGINT, y TEXT);\n"}};
  const Table table = Schema::of(migrations).value().tables().front();
  const auto digest = [&](const Rows& rows) {
    return with_fresh(migrations,
                      [&](Session& session) -> Result<Digest> {
                        TRY(insert_rows(session, table, rows));
                        return digest_of(session, table);
                      })
        .value();
  };
  const Cell null;
  const Digest one = digest({{Cell("1"), Cell("-2")}, {Cell("a\n"), null}});
  BOOST_TEST(one.rows == 2);
  BOOST_TEST((digest({{Cell("-2"), Cell("1")}, {null, Cell("a\n")}}) == one));
  BOOST_TEST((digest({{Cell("-2"), Cell("1")}, {Cell(""), Cell("a\n")}}) != one));
  BOOST_TEST((digest({{Cell("1"), Cell("-2"), Cell("-2")}, {Cell("a\n"), null, null}}) != one));
}

BOOST_AUTO_TEST_CASE(more_rows_than_are_read_at_once_are_read) {
  const Migration migrations[] = {{1, "0001_a", "CREATE TABLE a (x BIGINT);\n"}};
  const Table table = Schema::of(migrations).value().tables().front();
  const auto digest = with_fresh(migrations, [&](Session& session) -> Result<Digest> {
    Rows rows(1);
    for (int i = 0; i < 1700; ++i) rows.front().emplace_back(std::to_string(i));
    TRY(insert_rows(session, table, rows));
    return digest_of(session, table);
  });
  BOOST_TEST(digest.value().rows == 1700);
}

BOOST_AUTO_TEST_CASE(a_database_is_fresh_until_something_is_written_to_it) {
  const Schema schema = Schema::of(embedded_migrations()).value();
  const auto state = [&](const std::string& statement) {
    return with_fresh(embedded_migrations(), [&](Session& session) -> Result<> {
      if (!statement.empty()) session << statement, Poco::Data::Keywords::now;
      return schema.require_fresh(session);
    });
  };
  BOOST_TEST(state("").has_value());
  BOOST_TEST(!state("UPDATE counters SET value = value + 1 WHERE name = 'dfsp'").has_value());
  BOOST_TEST(!state("DELETE FROM monetary_zones WHERE monetary_zone_id = 'EUR'").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
