/// Paths to handlers.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/auth/roles.h"
#include "agent/http/errors.h"
#include "agent/http/message.h"
#include "agent/http/schema.h"
#include "common/result.h"

namespace hubseal::agent::http {

using Handler = std::function<Outcome(const Request&)>;

using auth::Role;
using PathParameters = std::map<std::string, std::string, std::less<>>;

/// One operation: a row of the table that a handlers/*.cpp file contributes.
struct Route {
  std::string method;
  std::string path;  ///< "/api/dfsps/{dfspId}/ca"; {enId} and {epId} are numbers; "/pki/ocsp/{request*}": all that
                     ///< follows, slashes too
  Handler handler;
  /// Who may call it, one of these being enough; empty: nobody. Below /api/dfsps/{dfspId} a DFSP is that DFSP alone,
  /// also where everyone may (gate.h).
  std::vector<Role> roles = {};
  bool takes_body = false;           ///< a JSON body is required; otherwise whatever is sent is ignored
  Json (*reshape)(Json) = nullptr;   ///< makes the form that `body` describes of another that clients send
  bool body_may_be_missing = false;  ///< nothing at all stands for an object without members
  Schema body = {};
  bool closed_body = false;             ///< members that `body` does not name are refused, not ignored
  bool body_is_list = false;            ///< `body` describes each item of it
  std::vector<std::string> query = {};  ///< names that are known; any other is refused
  bool paged = false;                   ///< a list, of which `limit` and `offset` ask for a piece
  bool has_etag = true;                 ///< of a GET; not where nobody is to keep the answer, or where reading writes
  std::string guarded_path = {};        ///< of the GET whose ETag If-Match names; empty: the same path
  bool heeds_if_match = false;          ///< make_conditional() says so
  std::string media_type = {};          ///< of a body that is taken as it comes, instead of JSON
};

/// A request target taken apart: path segments decoded, query decoded.
struct Target {
  std::vector<std::string> segments;  ///< of "/a/b/": "a", "b"
  std::vector<std::pair<std::string, std::string>> query;
};

/// Errors: bad_request: broken percent-encoding, control characters, slashes or dot segments hidden
/// in a segment, a target that is not a path.
Result<Target> parse_target(std::string_view target);

/// Owns: the routes.
/// Threads: share it freely; it does not change after construction.
class Router {
 public:
  struct Match {
    const Route* route = nullptr;  ///< null: see `allow`
    PathParameters path;
    std::string allow;  ///< methods of this path, when none of them fits; empty: no such path
  };

  explicit Router(std::vector<Route> routes);

  /// A route whose path ends with {name*}, for a target that begins as it does; decoded once.
  std::optional<Match> match_rest(std::string_view method, std::string_view target) const;

  /// Static segments are compared without regard to case and go before parameters.
  Match match(std::string_view method, const std::vector<std::string>& segments) const;

  const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string>> patterns_;  // of routes_, same order
};

}  // namespace hubseal::agent::http
