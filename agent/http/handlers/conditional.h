#pragma once

#include <vector>

#include "agent/http/router.h"

namespace hubseal::agent::http {

/// Teaches routes that change something to heed If-Match: they write only while the GET of the same path (or of their
/// `guarded_path`) answers what one of its ETags stands for, and nobody changes that in between; what finds nothing to
/// write is answered by the same rule. Such a route changes nothing but the database: nothing else can be undone. A
/// route without such a GET refuses the header, since it could not keep what it asks for.
void make_conditional(std::vector<Route>& routes);

}  // namespace hubseal::agent::http
