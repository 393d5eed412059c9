#include <thread>

#include <boost/test/unit_test.hpp>

#include "agent/http/request_metrics.h"
#include "agent/metrics/exposition.h"
#include "agent/metrics/pings.h"
#include "common/version.h"

using namespace hubseal::agent;
using namespace hubseal::agent::metrics;
using namespace std::chrono_literals;

namespace {

const std::string kCommon = std::string("serviceName=\"hubseal-agent\",serviceVersion=\"") + hubseal::kVersion + "\"";

std::string histogram_text(const Histogram& histogram) {
  Exposition page;
  page.family("h", Kind::histogram, "Help.");
  page.histogram(histogram.values(), {});
  return page.text();
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(metrics_)

BOOST_AUTO_TEST_CASE(a_family_is_its_head_and_its_samples) {
  Exposition page;
  page.family("empty", Kind::counter, "Of nothing.");
  page.family("some", Kind::gauge, "Of two.");
  page.sample(1.5);
  page.sample(-1, {{"a", "b"}});
  BOOST_TEST(page.text() ==
             "# HELP some Of two.\n# TYPE some gauge\nsome{" + kCommon + "} 1.5\nsome{" + kCommon + ",a=\"b\"} -1\n");
}

BOOST_AUTO_TEST_CASE(no_value_of_a_label_ends_it) {
  Exposition page;
  page.family("m", Kind::gauge, "Help.");
  page.sample(0, {{"dfsp", "a\"b\\c\nd"}});
  BOOST_TEST(page.text().ends_with(",dfsp=\"a\\\"b\\\\c\\nd\"} 0\n"));
}

BOOST_AUTO_TEST_CASE(a_histogram_counts_each_range_with_those_below_it) {
  Histogram histogram;
  for (const auto took : {0ms, 5ms, 6ms, 300ms, 20000ms}) histogram.observe(took);
  const std::string text = histogram_text(histogram);
  BOOST_TEST(holds(text, "le=\"0.005\"} 2\n"));
  BOOST_TEST(holds(text, "le=\"0.01\"} 3\n"));
  BOOST_TEST(holds(text, "le=\"0.5\"} 4\n"));
  BOOST_TEST(holds(text, "le=\"10\"} 4\n"));
  BOOST_TEST(holds(text, "le=\"+Inf\"} 5\n"));
  BOOST_TEST(holds(text, "h_count{" + kCommon + "} 5\n"));
  BOOST_TEST(holds(text, "h_sum{" + kCommon + "} 20.311\n"));
}

BOOST_AUTO_TEST_CASE(nothing_that_many_threads_count_is_lost) {
  Histograms histograms("h", "Help.", {"a"});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      for (int j = 0; j < 1000; ++j) {
        histograms.observe({std::to_string(j % 3)}, 1ms);
        if (j % 100 != 0) continue;
        Exposition page;
        histograms.write(page);
      }
    });
  for (std::thread& thread : threads) thread.join();
  Exposition page;
  histograms.write(page);
  BOOST_TEST(holds(page.text(), "h_count{" + kCommon + ",a=\"0\"} 1336\n"));
  BOOST_TEST(holds(page.text(), "h_count{" + kCommon + ",a=\"2\"} 1332\n"));
}

BOOST_AUTO_TEST_CASE(what_was_removed_leaves_no_series) {
  Pings pings;
  pings.count("stays", "TIMED_OUT", 1ms);
  pings.count("goes", "NEW_STATUS", 1ms);
  pings.retain({"stays", "other"});
  Exposition page;
  pings.write_latencies(page);
  page.family("errorCount", Kind::counter, "Errors.");
  pings.write_errors(page);
  BOOST_TEST(holds(page.text(), "system=\"stays\",code=\"timeout\",context=\"MCM\",operation=\"ping-stays\"} 1\n"));
  BOOST_TEST(!holds(page.text(), "goes"));
}

BOOST_AUTO_TEST_CASE(a_status_of_any_number_has_a_kind) {
  const std::vector<http::Route> routes = {{.method = "GET", .path = "/api/x/{y}", .handler = nullptr}};
  http::RequestMetrics requests(routes);
  for (const int status : {0, 100, 200, 204, 302, 404, 503, 599, 999}) {
    http::Answer answer;
    answer.status = status;
    answer.route = &routes.front();
    requests.count(answer);
  }
  requests.count(http::Answer{});
  Exposition page;
  requests.write(page);
  const auto count = [](const std::string& route, const std::string& kind) {
    return "_count{" + kCommon + ",method=\"" + (route.empty() ? "" : "GET") + "\",route=\"" + route + "\",status=\"" +
           kind + "\"} ";
  };
  BOOST_TEST(holds(page.text(), count("/api/x/{y}", "2xx") + "4\n"));
  BOOST_TEST(holds(page.text(), count("/api/x/{y}", "5xx") + "3\n"));
  BOOST_TEST(holds(page.text(), count("", "2xx") + "1\n"));
}

BOOST_AUTO_TEST_SUITE_END()
