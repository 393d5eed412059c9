#include "common/audit/record_reader.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

using namespace hubseal;
using namespace hubseal::audit;

namespace {

std::string record(int seq, const std::string& rest = R"(,"event":"e")") {
  return R"({"seq":)" + std::to_string(seq) + R"(,"time":"2026-11-26T09:00:00Z")" + rest + "}";
}

std::string sealed(int seq, const std::string& torn) {
  Json json = RecordReader::describe_torn(torn);
  return record(seq, R"(,"event":"torn_record_sealed",)" + dump_json(json).substr(1, dump_json(json).size() - 2));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(record_reader)

BOOST_AUTO_TEST_CASE(a_record_is_whole_or_none_wherever_it_was_cut) {
  const std::string whole = record(7, R"(,"event":"e","names":{"cn":["a}\"{"]},"message":"}\\")");
  BOOST_TEST(sequence_of(whole).value() == 7U);
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(!sequence_of(std::string_view(whole).substr(0, size)).has_value(), size);
  for (const char* line :
       {"", "{}", "[]", R"({"time":"x","seq":1})", R"({"seq":-1,"time":""})", R"({"seq":1,"time":""}x)"})
    BOOST_TEST(!sequence_of(line).has_value(), line);
}

BOOST_AUTO_TEST_CASE(records_come_in_order) {
  RecordReader reader;
  BOOST_TEST(reader.take(record(1), true).value());
  BOOST_TEST(reader.take(record(2), true).value());
  for (const int other : {1, 2, 4}) BOOST_TEST(!reader.take(record(other), true).has_value());
  BOOST_TEST(reader.next() == 3U);
}

BOOST_AUTO_TEST_CASE(what_a_crash_tore_is_named_by_the_record_behind_it) {
  RecordReader reader;
  BOOST_TEST(reader.take(record(1), true).value());
  BOOST_TEST(!reader.take(R"({"seq":2,"ti)", true).value());
  BOOST_TEST(reader.torn() == "{\"seq\":2,\"ti\n");
  BOOST_TEST(reader.take(sealed(2, "{\"seq\":2,\"ti\n"), true).value());
  BOOST_TEST(reader.torn().empty());
}

BOOST_AUTO_TEST_CASE(bytes_that_no_record_names_are_none_of_the_logs) {
  for (const std::string& behind :
       {record(2), sealed(2, "something else\n"), record(2, R"(,"event":"torn_record_sealed","bytes":5)")}) {
    RecordReader reader;
    BOOST_TEST(reader.take(record(1), true).value());
    BOOST_TEST(!reader.take("slipped in", true).value());
    BOOST_TEST(!reader.take(behind, true).has_value());
  }
}

BOOST_AUTO_TEST_CASE(torn_bytes_that_a_record_names_must_be_there_unless_the_copy_has_records_only) {
  RecordReader reader;
  BOOST_TEST(reader.take(record(1), true).value());
  BOOST_TEST(!reader.take(sealed(2, "{\"seq\":2,\"ti\n"), true).has_value());
  RecordReader copy;
  copy.expect_records_only();
  BOOST_TEST(copy.take(record(1), true).value());
  BOOST_TEST(copy.take(sealed(2, "{\"seq\":2,\"ti\n"), true).value());
}

BOOST_AUTO_TEST_CASE(members_of_another_type_name_nothing_and_throw_nothing) {
  const char* const edited[] = {
      R"(,"event":1,"x":"torn_record_sealed")",
      R"(,"event":{"torn_record_sealed":[]})",
      R"(,"event":"torn_record_sealed","bytes":"5")",
      R"(,"event":"torn_record_sealed","bytes":-5,"sha256":7)",
  };
  for (const char* rest : edited) {
    RecordReader reader;
    BOOST_TEST(reader.take(record(1, rest), true).value(), rest);
    BOOST_TEST(!reader.take("slipped in", true).value(), rest);
    BOOST_TEST((reader.take(record(2, rest), true).error().code == Code::bad_request), rest);
  }
}

BOOST_AUTO_TEST_CASE(a_last_line_without_its_line_feed_is_not_a_record_yet) {
  RecordReader reader;
  BOOST_TEST(!reader.take(record(1), false).value());
  BOOST_TEST(reader.torn().size() == record(1).size());
}

BOOST_AUTO_TEST_SUITE_END()
