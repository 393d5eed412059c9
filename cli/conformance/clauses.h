/// docs/STANDARDS.md as a table: each row's id and rule, and how an installation is held to it.
#pragma once

#include <span>

#include "cli/conformance/finding.h"
#include "cli/conformance/installation.h"

namespace hubseal::cli::conformance {

struct Clause {
  const char* id;  ///< "PKI-1", or the source as its row begins: "RFC 6960"
  const char* rule;
  const char* wanted;  ///< what the evidence is compared with
  Finding (*check)(const Installation&);
};

struct Section {
  const char* title;
  std::span<const Clause> clauses;
};
std::span<const Section> sections();

}  // namespace hubseal::cli::conformance
