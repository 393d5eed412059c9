/// A made-up installation that meets what an installation can meet, for tests to spoil.
#pragma once

#include "cli/conformance/clauses.h"
#include "cli/conformance/installation.h"
#include "tests/support/ca_fixture.h"

namespace hubseal::test {

/// CA "hub-ca" (shipped profile hub-root), a certificate of bank1, profiles with addresses, people who agree.
cli::conformance::Installation good_installation();
/// The CA behind it.
const TestCa& good_ca();

/// What the clause of this id says of it.
cli::conformance::Finding finding_of(const std::string& id, const cli::conformance::Installation& found);
std::string verdict_of(const std::string& id, const cli::conformance::Installation& found);
/// All its evidence in one text.
std::string evidence_of(const std::string& id, const cli::conformance::Installation& found);

}  // namespace hubseal::test
