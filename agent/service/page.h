#pragma once

#include "agent/store/page.h"

namespace hubseal::agent {

using store::Page;

}  // namespace hubseal::agent
