#include "agent/store/migrations.h"

#include <fmt/format.h>
#include <boost/test/unit_test.hpp>

#include "agent/store/database.h"
#include "agent/store/sessions.h"
#include "tests/unit/agent/agent_support.h"

using namespace hubseal;
using namespace hubseal::agent::store;
using hubseal::agent::test::TempFolder;

namespace {

constexpr Migration kFirst = {
    1, "0001_first", "CREATE TABLE a (x BIGINT);\n-- a note; with a semicolon;\n\nCREATE TABLE\n  b (y TEXT);\n"};
constexpr Migration kSecond = {2, "0002_second", "INSERT INTO a (x) VALUES (7);\n"};

int count(Sessions& sessions, const std::string& table) {
  return sessions
      .read([&](Session& session) -> Result<int> {
        int rows = 0;
        session << "SELECT COUNT(*) FROM " + table, Poco::Data::Keywords::into(rows), Poco::Data::Keywords::now;
        return rows;
      })
      .value();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(migrations)

BOOST_AUTO_TEST_CASE(statements_are_split_at_semicolons_that_end_a_line) {
  const auto statements = split_statements(kFirst.sql);
  BOOST_REQUIRE(statements.size() == 2u);
  BOOST_TEST(statements[1] == "CREATE TABLE\n  b (y TEXT);\n");
}

BOOST_AUTO_TEST_CASE(each_migration_is_applied_once_and_later_ones_follow) {
  const TempFolder folder;
  Sessions sessions(make_backend({.file = folder / "db"}));
  const Migration one[] = {kFirst};
  const Migration both[] = {kFirst, kSecond};
  BOOST_TEST(migrate(sessions, one).has_value());
  BOOST_TEST(migrate(sessions, one).has_value());
  BOOST_TEST(migrate(sessions, both).has_value());
  BOOST_TEST(migrate(sessions, both).has_value());
  BOOST_TEST(count(sessions, "a") == 1);
}

BOOST_AUTO_TEST_CASE(a_table_of_another_program_is_told_and_nothing_is_made_beside_it) {
  const Migration two[] = {{1, "0001_two", "CREATE TABLE c (x BIGINT);\nCREATE TABLE d(x BIGINT);\n"}};
  for (const std::string table : {"d", "schema_migrations"}) {
    const TempFolder folder;
    Sessions sessions(make_backend({.file = folder / "db"}));
    BOOST_REQUIRE(sessions.write([&](Session& session) -> Result<> {
      session << "CREATE TABLE " + table + " (version BIGINT)", Poco::Data::Keywords::now;
      return {};
    }));
    const auto refused = migrate(sessions, two);
    BOOST_REQUIRE(!refused.has_value());
    BOOST_TEST((refused.error().code == Code::conflict));
    BOOST_TEST(refused.error().message.find("table " + table + " that is another program's") != std::string::npos);
    BOOST_TEST(count(sessions, "sqlite_master WHERE name = 'c'") == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_migration_that_fails_leaves_nothing_behind) {
  const TempFolder folder;
  Sessions sessions(make_backend({.file = folder / "db"}));
  const Migration broken[] = {{1, "0001_broken", "CREATE TABLE c (x BIGINT);\nCREATE NONSENSE;\n"}};
  const auto refused = migrate(sessions, broken);
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST((refused.error().code == Code::storage_unavailable));
  BOOST_TEST(count(sessions, "sqlite_master WHERE name = 'c'") == 0);
  BOOST_TEST(count(sessions, "schema_migrations") == 0);
}

BOOST_AUTO_TEST_CASE(a_database_of_a_newer_program_and_an_altered_migration_are_refused) {
  const TempFolder folder;
  Sessions sessions(make_backend({.file = folder / "db"}));
  const Migration both[] = {kFirst, kSecond};
  BOOST_REQUIRE(migrate(sessions, both).has_value());
  const Migration one[] = {kFirst};
  BOOST_TEST((migrate(sessions, one).error().code == Code::conflict));
  const Migration altered[] = {kFirst, {2, "0002_second", "INSERT INTO a (x) VALUES (8);\n"}};
  BOOST_TEST((migrate(sessions, altered).error().code == Code::conflict));
}

BOOST_AUTO_TEST_CASE(an_opened_database_is_durable_private_and_answers) {
  const TempFolder folder;
  const auto database = Database::open({.file = folder / "agent.db"}).value();
  BOOST_TEST(database->ping().has_value());
  const auto mode = std::filesystem::status(folder / "agent.db").permissions();
  BOOST_TEST((mode == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write)));
  const auto settings =
      database->sessions()
          .read([](Session& session) -> Result<std::string> {
            std::string journal;
            int synchronous = 0;
            int foreign_keys = 0;
            session << "PRAGMA journal_mode", Poco::Data::Keywords::into(journal), Poco::Data::Keywords::now;
            session << "PRAGMA synchronous", Poco::Data::Keywords::into(synchronous), Poco::Data::Keywords::now;
            session << "PRAGMA foreign_keys", Poco::Data::Keywords::into(foreign_keys), Poco::Data::Keywords::now;
            return fmt::format("{} {} {}", journal, synchronous, foreign_keys);
          })
          .value();
  BOOST_TEST(settings == "wal 2 1");
}

BOOST_AUTO_TEST_CASE(a_database_that_cannot_be_written_is_refused_with_its_path) {
  const auto refused = Database::open({.file = "/nonexistent/folder/agent.db"});
  BOOST_REQUIRE(!refused.has_value());
  BOOST_TEST(refused.error().message.find("/nonexistent/folder/agent.db") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
