#pragma once

#include <string>

namespace hubseal::agent {

/// The name of a signature algorithm as csrInfo and certInfo spell it; empty for an unknown one.
std::string signature_name(int nid);

}  // namespace hubseal::agent
