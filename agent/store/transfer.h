#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/store/location.h"
#include "common/result.h"

namespace hubseal::agent::store {

/// How many rows of a table were copied.
struct Copied {
  std::string table;
  std::int64_t rows = 0;
};

/// How far a table is: rows copied, and how many there are. For whoever waits.
using Progress = std::function<void(std::string_view table, std::int64_t done, std::int64_t of)>;

/// Copies all tables that the migrations know from one database into another, which holds nothing yet, and compares
/// them. The target changes in one transaction, its tables and the numbers that are allocated next among what it
/// brings; with `rehearse` it is undone at the end. Nobody else may use either database meanwhile.
/// Errors: not_found (no source), conflict (in use; the source is of another version; the target is not empty; a row
/// that cannot be stored there, or that did not arrive as it was), storage_unavailable. Each leaves the target as it
/// was.
Result<std::vector<Copied>> transfer(const Location& from, const Location& to, bool rehearse, const Progress& progress);

}  // namespace hubseal::agent::store
