#include "cli/line_diff.h"

#include <random>
#include <string>

#include <boost/test/unit_test.hpp>

using hubseal::cli::diff_lines;
using hubseal::cli::DiffLine;

namespace {

std::string marks(std::string_view before, std::string_view after) {
  std::string text;
  for (const DiffLine& line : diff_lines(before, after)) {
    text += line.mark;
    text += line.text;
  }
  return text;
}

/// One of the two texts again, from the lines that have these marks; their numbers are in order.
std::string side(const std::vector<DiffLine>& lines, char mark) {
  std::string text;
  for (const DiffLine& line : lines)
    if (line.mark == ' ' || line.mark == mark) text += line.text;
  return text;
}

std::string random_lines(std::mt19937& random) {
  std::string text;
  for (auto count = random() % 12; count > 0; --count)
    text += random() % 2 == 0 ? "a\n" : random() % 2 == 0 ? "b\n" : "\n";
  if (random() % 4 == 0) text += "end";
  return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(line_diff)

BOOST_AUTO_TEST_CASE(what_comes_goes_and_stays_is_told_line_by_line) {
  BOOST_TEST(marks("", "").empty());
  BOOST_TEST(marks("a\nb\n", "a\nb\n") == " a\n b\n");
  BOOST_TEST(marks("a\nb\nc\n", "a\nx\nc\n") == " a\n-b\n+x\n c\n");
  BOOST_TEST(marks("a\nb\nc\nd\n", "b\nc\ne\nd\nf\n") == "-a\n b\n c\n+e\n d\n+f\n");
  BOOST_TEST(marks("", "a\n") == "+a\n");
  BOOST_TEST(marks("a\n", "") == "-a\n");
}

BOOST_AUTO_TEST_CASE(a_line_feed_at_the_end_counts) { BOOST_TEST(marks("a", "a\n") == "-a+a\n"); }

BOOST_AUTO_TEST_CASE(lines_are_numbered_in_their_own_text) {
  const auto lines = diff_lines("a\nb\nc\n", "c\nd\n");
  std::string numbers;
  for (const DiffLine& line : lines) numbers += line.mark + std::to_string(line.number);
  BOOST_TEST(numbers == "-1-2 1+2");
}

BOOST_AUTO_TEST_CASE(both_texts_can_be_read_out_of_any_difference) {
  std::mt19937 random(7);  // NOLINT: the same texts each time
  for (int round = 0; round < 2000; ++round) {
    const std::string before = random_lines(random);
    const std::string after = random_lines(random);
    const auto lines = diff_lines(before, after);
    BOOST_REQUIRE_EQUAL(side(lines, '-'), before);
    BOOST_REQUIRE_EQUAL(side(lines, '+'), after);
  }
}

BOOST_AUTO_TEST_CASE(what_is_too_much_to_compare_goes_and_comes_as_a_whole) {
  std::string before = "same\n";
  std::string after = "same\n";
  for (int line = 0; line < 3000; ++line) {
    before += "a\n";
    after += "b\n";
  }
  const auto lines = diff_lines(before, after);
  BOOST_TEST(lines.size() == 6001U);
  BOOST_TEST(side(lines, '-') == before);
  BOOST_TEST(side(lines, '+') == after);
}

BOOST_AUTO_TEST_SUITE_END()
