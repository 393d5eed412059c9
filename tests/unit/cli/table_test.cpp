#include "cli/table.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal::cli;

BOOST_AUTO_TEST_SUITE(table)

BOOST_AUTO_TEST_CASE(columns_are_as_wide_as_their_widest_cell_and_lines_end_without_spaces) {
  Table table({"LABEL", "TYPE"});
  table.row({"hub-ca-2026", "rsa_4096"});
  table.row({"x", "ec"});
  BOOST_TEST(table.render() ==
             "LABEL        TYPE\n"
             "hub-ca-2026  rsa_4096\n"
             "x            ec\n");
}

BOOST_AUTO_TEST_CASE(a_row_with_fewer_cells_is_filled_up) {
  Table table({"A", "B"});
  BOOST_TEST(table.empty());
  table.row({"1"});
  BOOST_TEST(!table.empty());
  BOOST_TEST(table.render() == "A  B\n1\n");
}

BOOST_AUTO_TEST_CASE(letters_of_several_bytes_take_one_column) {
  Table table({"NAME", "X"});
  table.row({"Crédit", "1"});
  table.row({"Banque", "2"});
  BOOST_TEST(table.render() == "NAME    X\nCrédit  1\nBanque  2\n");
}

BOOST_AUTO_TEST_CASE(what_could_steer_a_terminal_is_written_out) {
  BOOST_TEST(display_text("a\x1b[31mb") == "a\\u{1b}[31mb");
  BOOST_TEST(display_text("a\nb\tc\x7f") == "a\\u{a}b\\u{9}c\\u{7f}");
  BOOST_TEST(display_text("\xc2\x9b") == "\\u{9b}");            // CSI as one C1 character
  BOOST_TEST(display_text("a\xe2\x80\xaez") == "a\\u{202e}z");  // right-to-left override
  BOOST_TEST(display_text("a\xe2\x81\xa0"
                          "b") == "a\\u{2060}b");                  // word joiner: seen by nobody
  BOOST_TEST(display_text("a\xf3\xa0\x81\xa2") == "a\\u{e0062}");  // a letter of a tag
  BOOST_TEST(display_text("Ünïcode 銀行 🏦") == "Ünïcode 銀行 🏦");
}

BOOST_AUTO_TEST_CASE(bytes_cut_off_in_the_middle_of_a_letter_are_no_overrun) {
  BOOST_TEST(display_text("a\xe2\x80").size() >= 1u);
  BOOST_TEST(display_text("\xf0") == "\xf0");
  BOOST_TEST(display_text("\xe2\x1b[2J") == "\xe2\\u{1b}[2J");
  BOOST_TEST(display_text("\xc2\n") == "\xc2\\u{a}");
}

BOOST_AUTO_TEST_CASE(pairs_align_their_values) {
  BOOST_TEST(render_pairs({{"CA", "hub-ca"}, {"subject", "CN=x"}, {"none", ""}}) ==
             "CA       hub-ca\nsubject  CN=x\nnone\n");
}

BOOST_AUTO_TEST_CASE(one_thing_is_not_several) {
  BOOST_TEST(counted(0, "root") == "0 roots");
  BOOST_TEST(counted(1, "root") == "1 root");
  BOOST_TEST(counted(2, "root") == "2 roots");
}

BOOST_AUTO_TEST_SUITE_END()
