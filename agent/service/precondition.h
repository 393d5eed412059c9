#pragma once

#include "agent/store/write_condition.h"

namespace hubseal::agent {

/// What a caller wants to hold at the moment in which what they ask for is written.
using Precondition = store::WriteCondition;

}  // namespace hubseal::agent
