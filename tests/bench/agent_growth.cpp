#include "tests/bench/agent_growth.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "tests/bench/agent_load.h"
#include "tests/bench/crowd.h"
#include "tests/integration/soak/csr_maker.h"

namespace hubseal::bench {
namespace {

constexpr unsigned kAtOnce = 8;
constexpr double kFlat = 1.15;

std::string verdict(bool met) { return met ? "met" : "NOT MET"; }

/// CPU of the agent for each request.
double cpu_of(const AgentProcess& agent, Seconds time, const std::function<std::optional<std::string_view>()>& next) {
  return drive(agent.pid(), agent.port(), kAtOnce, time, next).cpu_us;
}
double cpu_of(const AgentProcess& agent, Seconds time, const std::string& request) {
  return cpu_of(agent, time, again_and_again(request));
}

std::vector<std::string> new_csrs(const std::string& dfsp) {
  constexpr std::size_t kNew = 80;
  std::vector<std::string> posts;
  while (posts.size() < kNew)
    posts.push_back(http_request("POST", inbound_path(dfsp), dump_json({{"clientCSR", test::make_csr()}})));
  return posts;
}

/// How long all of a list may take that is gone through once.
Seconds patience(const Schedule& schedule) { return Seconds(std::max(schedule.seconds, 60.0)); }

struct EnrollmentStage {
  std::size_t enrollments;
  double post, sign, one, list;
};

EnrollmentStage measure(const AgentProcess& agent, const Schedule& schedule, std::size_t enrollments) {
  const std::string path = inbound_path("grown");
  HttpClient client(agent.port());  // of its own: the agent ends one that is idle while others fill
  const std::vector<std::string> posts = new_csrs("grown");
  EnrollmentStage found{enrollments, cpu_of(agent, patience(schedule), one_by_one(posts)), 0, 0, 0};
  const Json waiting = client.ask("GET", path + "?state=CSR_LOADED");
  std::vector<std::string> signs;
  for (const Json& item : waiting)
    signs.push_back(http_request("POST", fmt::format("{}/{}/sign", path, item["id"].get<std::int64_t>()), "{}"));
  found.sign = cpu_of(agent, patience(schedule), one_by_one(signs));
  found.one = cpu_of(agent, schedule.time(),
                     http_request("GET", fmt::format("{}/{}", path, waiting.front()["id"].get<std::int64_t>())));
  found.list = cpu_of(agent, schedule.time(), http_request("GET", path));
  return found;
}

struct ParticipantStage {
  std::size_t participants;
  double add, list, one, keys, states, post, sign;
};

ParticipantStage measure_participants(const AgentProcess& agent, const Schedule& schedule, std::size_t participants) {
  HttpClient client(agent.port());
  const auto read = [&](const char* path) { return cpu_of(agent, schedule.time(), http_request("GET", path)); };
  const std::vector<std::string> posts = new_csrs("d0");
  ParticipantStage found{.participants = participants,
                         .add = 0,
                         .list = read("/api/dfsps"),
                         .one = read("/api/dfsps/d0/jwscerts"),
                         .keys = read("/api/dfsps/jwscerts"),
                         .states = read("/api/dfsps/states-status"),
                         .post = cpu_of(agent, patience(schedule), one_by_one(posts)),
                         .sign = 0};
  std::vector<std::string> signs;
  for (const Json& item : client.ask("GET", inbound_path("d0") + "?state=CSR_LOADED"))
    signs.push_back(
        http_request("POST", fmt::format("{}/{}/sign", inbound_path("d0"), item["id"].get<std::int64_t>()), "{}"));
  found.sign = cpu_of(agent, patience(schedule), one_by_one(signs));
  return found;
}

/// The CPU that adding one of them cost.
double add_participants(const AgentProcess& agent, std::size_t from, std::size_t until, const Schedule& schedule) {
  std::vector<std::string> adds, keys;
  const std::string key = dump_json({{"publicKey", make_public_key()}, {"createdAt", 1'790'000'000}});
  for (std::size_t n = from; n < until; ++n) {
    const std::string id = fmt::format("d{}", n);
    adds.push_back(http_request("POST", "/api/dfsps", dump_json({{"dfspId", id}, {"name", "Bank " + id}})));
    keys.push_back(http_request("POST", fmt::format("/api/dfsps/{}/jwscerts", id), key));
  }
  const Seconds long_enough = patience(schedule) * 10;
  const double cpu = cpu_of(agent, long_enough, one_by_one(adds));
  cpu_of(agent, long_enough, one_by_one(keys));
  return cpu;
}

}  // namespace

void print_growth_of_enrollments(const AgentProcess::Options& options, const Schedule& schedule, std::size_t most) {
  const AgentProcess agent(options);
  HttpClient first(agent.port());
  add_dfsp(first, "grown");
  std::vector<EnrollmentStage> stages;
  std::size_t filled = 0;
  for (const std::size_t until : {std::size_t{0}, std::min(most, std::size_t{200}), most}) {
    fill(agent.port(), "grown", until - filled);
    filled = until;
    stages.push_back(measure(agent, schedule, filled));
  }
  fmt::print(
      "\nCPU us of the agent a request, 8 connections, by enrolments of one participant (GET shows 200 at most)\n");
  fmt::print("{:>12}{:>10}{:>10}{:>10}{:>10}\n", "enrolments", "POST", "sign", "GET one", "GET all");
  for (const auto& at : stages)
    fmt::print("{:>12}{:>10.0f}{:>10.0f}{:>10.0f}{:>10.0f}\n", at.enrollments, at.post, at.sign, at.one, at.list);
  // The list is whole only from the second stage on.
  const auto &empty = stages.front(), &full = stages[1], &last = stages.back();
  const double worst =
      std::max({last.post / empty.post, last.sign / empty.sign, last.one / empty.one, last.list / full.list});
  fmt::print("the worst grew to {:.2f} (<= {:.2f} {})\n", worst, kFlat, verdict(worst <= kFlat));
}

void print_growth_of_participants(const AgentProcess::Options& options, const Schedule& schedule, std::size_t most) {
  const AgentProcess agent(options);
  fmt::print(
      "\nCPU us of the agent a request, 8 connections, by participants, each with a JWS key\n"
      "{:>12}{:>12}{:>10}{:>14}{:>14}{:>14}{:>10}{:>10}\n",
      "participants", "POST dfsps", "GET dfsps", "one jwscert", "all jwscerts", "states-status", "POST csr", "sign");
  std::size_t filled = 0;
  for (std::size_t until = 10; until <= most; until *= 10) {
    const double add = add_participants(agent, filled, until, schedule);
    filled = until;
    const auto at = measure_participants(agent, schedule, filled);
    fmt::print("{:>12}{:>12.0f}{:>10.0f}{:>14.0f}{:>14.0f}{:>14.0f}{:>10.0f}{:>10.0f}\n", filled, add, at.list, at.one,
               at.keys, at.states, at.post, at.sign);
    std::fflush(stdout);
  }
}

}  // namespace hubseal::bench
