/// What a request costs the agent as the hub grows.
#pragma once

#include "tests/bench/agent_process.h"
#include "tests/bench/schedule.h"

namespace hubseal::bench {

/// One participant with more and more signed enrolments.
void print_growth_of_enrollments(const AgentProcess::Options& options, const Schedule& schedule, std::size_t most);

/// More and more participants, each with a JWS key: ten at first.
void print_growth_of_participants(const AgentProcess::Options& options, const Schedule& schedule, std::size_t most);

}  // namespace hubseal::bench
