#include "agent/http/header_block.h"

#include <boost/test/unit_test.hpp>

using namespace hubseal;
using namespace hubseal::agent::http;

BOOST_AUTO_TEST_SUITE(header_block)

BOOST_AUTO_TEST_CASE(a_request_is_taken_apart) {
  const auto block = parse_header_block(
                         "POST /api/dfsps?x=1 HTTP/1.1\r\nhost: localhost\r\nCONTENT-TYPE: application/json\r\n"
                         "content-length: 12\r\nExpect: 100-continue\r\nOrigin: http://localhost\r\n\r\n")
                         .value();
  BOOST_TEST(block.request.method == "POST");
  BOOST_TEST(block.request.target == "/api/dfsps?x=1");
  BOOST_TEST(block.request.host.value() == "localhost");
  BOOST_TEST(block.request.content_type.value() == "application/json");
  BOOST_TEST(block.request.origin.value() == "http://localhost");
  BOOST_TEST(block.content_length == 12u);
  BOOST_TEST(block.keep_alive);
  BOOST_TEST(block.expects_continue);
  BOOST_TEST(!block.chunked);
}

BOOST_AUTO_TEST_CASE(connections_are_kept_as_the_version_and_the_header_say) {
  BOOST_TEST(!parse_header_block("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").value().keep_alive);
  BOOST_TEST(!parse_header_block("GET / HTTP/1.0\r\n\r\n").value().keep_alive);
  BOOST_TEST(parse_header_block("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").value().chunked);
}

BOOST_AUTO_TEST_CASE(whatever_could_be_framed_in_two_ways_is_refused) {
  const std::string start = "POST / HTTP/1.1\r\nHost: x\r\n";
  for (const std::string& header :
       {std::string("Content-Length: 5\r\nContent-Length: 5\r\n"),
        std::string("Content-Length: 5\r\ncontent-length: 6\r\n"),
        std::string("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), std::string("Content-Length: +5\r\n"),
        std::string("Content-Length: -1\r\n"), std::string("Content-Length: 5, 5\r\n"),
        std::string("Content-Length: 0x5\r\n"), std::string("Content-Length:\r\n"),
        std::string("Content-Length: 99999999999999999999\r\n"), std::string("Content-Length : 5\r\n"),
        std::string("Transfer-Encoding: gzip, chunked\r\n"), std::string("Transfer-Encoding: identity\r\n"),
        std::string("Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n"), std::string("Host: y\r\n"),
        std::string("X\0Y: 1\r\n", 8), std::string("X: a\0b\r\n", 8), std::string("no colon\r\n"),
        std::string(" folded: 1\r\n"), std::string(": nameless\r\n")}) {
    const auto block = parse_header_block(start + header + "\r\n");
    BOOST_TEST(!block.has_value(), header << " was accepted");
  }
}

BOOST_AUTO_TEST_CASE(values_are_taken_as_they_were_sent) {
  const std::string start = "POST / HTTP/1.1\r\nHost: ";
  for (const char* header : {"Transfer-Encoding: =?utf-8?q?chunked?=", "Transfer-Encoding: =?utf-8?b?Y2h1bmtlZA==?=",
                             "Content-Length: =?utf-8?q?42?=", "Content-Length: =?utf-8?b?NDI=?="})
    BOOST_TEST(!parse_header_block(start + "x\r\n" + header + "\r\n\r\n").has_value(), header << " was accepted");
  const auto block = parse_header_block(start +
                                        "=?utf-8?q?localhost?=\r\nOrigin:\t=?utf-8?q?null?= \t \r\n"
                                        "Content-Type: =?utf-8?q?application/json?=\r\n"
                                        "Connection: =?utf-8?q?close?=\r\nEmpty:\r\nBlank: \t\r\n\r\n")
                         .value();
  BOOST_TEST(block.request.host.value() == "=?utf-8?q?localhost?=");
  BOOST_TEST(block.request.origin.value() == "=?utf-8?q?null?=");
  BOOST_TEST(block.request.content_type.value() == "=?utf-8?q?application/json?=");
  BOOST_TEST(block.keep_alive);
}

BOOST_AUTO_TEST_CASE(a_head_has_one_reading_and_one_end) {
  const std::string request = "POST / HTTP/1.1\r\n";
  BOOST_TEST(parse_header_block(request + "Host: x\r\n\r\n").has_value());
  for (const std::string& head : {request + "Host: x\n\r\nContent-Length: 42\r\n\r\n",
                                  request + "Host: x\r\n\nContent-Length: 42\r\n\r\n",
                                  request + "Host: x\r\n\r\nContent-Length: 42\r\n\r\n",
                                  request + "Host: x\n\nContent-Length: 42\r\n\r\n",
                                  request + "Host: x\nContent-Length: 42\r\n\r\n",
                                  request + "Host: x\r\rContent-Length: 42\r\n\r\n",
                                  request + "Host: x\r\n\r\n\r\n",
                                  request + "Host: x\r\n\n",
                                  request + "Host: x\n\n",
                                  request + "Host: x\r\n",
                                  request + "Host: x",
                                  std::string("POST / HTTP/1.1\nHost: x\r\n\r\n"),
                                  std::string("POST / HTTP/1.1\r\r\nHost: x\r\n\r\n"),
                                  std::string("POST /\rX HTTP/1.1\r\nHost: x\r\n\r\n"),
                                  std::string("POST\r/ HTTP/1.1\r\nHost: x\r\n\r\n"),
                                  std::string("POST / HTTP/1.1\rHost: x\r\n\r\n"),
                                  std::string("POST /\0 HTTP/1.1\r\nHost: x\r\n\r\n", 29),
                                  "\r\n" + request + "Host: x\r\n\r\n",
                                  std::string("\n"),
                                  std::string("\r\n\r\n"),
                                  std::string()}) {
    const auto block = parse_header_block(head);
    BOOST_TEST(!block.has_value(), head << " was accepted");
  }
}

BOOST_AUTO_TEST_CASE(broken_request_lines_are_refused) {
  for (const char* line :
       {"GET / HTTP/1.1\r\n\r\n", "GET / HTTP/2.0\r\nHost: x\r\n\r\n", "GET /\r\nHost: x\r\n\r\n",
        "GET\r\nHost: x\r\n\r\n", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "GET / x HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /\tx HTTP/1.1\r\nHost: x\r\n\r\n", " GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "G(T / HTTP/1.1\r\nHost: x\r\n\r\n", "\x16\x03\x01\r\n\r\n"})
    BOOST_TEST(!parse_header_block(line).has_value(), line << " was accepted");
}

BOOST_AUTO_TEST_CASE(the_proxy_that_speaks_is_named_once) {
  const std::string head = "POST / HTTP/1.1\r\nHost: localhost\r\n";
  BOOST_TEST(parse_header_block(head + "x-dfsp-id: proxy\r\n\r\n")->request.x_dfsp_id.value() == "proxy");
  BOOST_TEST(!parse_header_block(head + "\r\n")->request.x_dfsp_id.has_value());
  BOOST_TEST(!parse_header_block(head + "X-DFSP-ID: a\r\nX-Dfsp-Id: b\r\n\r\n").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
