#pragma once

#include <optional>
#include <string>

#include "agent/auth/wiped.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/result.h"
#include "common/secret_bytes.h"

namespace hubseal::agent::auth::keycloak {

/// A client as Keycloak tells of it, as far as we look at it.
struct ClientFound {
  std::string id;       ///< Keycloak's own
  std::string dfsp_id;  ///< its attribute dfsp.id; empty: it has none
  std::optional<TimePoint> secret_since;
};

/// What Keycloak answered to one question. Nothing in it is believed: another client's or group's data, an id that
/// could lead elsewhere, a shape that is none are errors. Owns: the text, which it wipes. Errors: internal, in words
/// for the log, without what was answered where that may be a secret.
class Answer {
 public:
  Answer(std::string question, int status, std::string body)
      : question_(std::move(question)), status_(status), body_(std::move(body)) {}
  ~Answer();
  Answer(Answer&& other) noexcept;
  Answer& operator=(Answer&&) = delete;

  Result<Wiped> access_token();
  /// The one client of this name; nothing where there is none.
  Result<std::optional<ClientFound>> client(const std::string& client_id);
  Result<SecretBytes> secret();
  /// The id of the group at this path; nothing where there is none.
  Result<std::optional<std::string>> group(const std::string& path);
  /// The id of what was answered.
  Result<std::string> id();
  Result<> done() const;
  /// Done, or it was there before.
  Result<> done_or_there() const;

 private:
  tl::unexpected<Error> refuse(std::string_view why) const;
  Result<Json> json() const;

  const std::string question_;
  const int status_;
  std::string body_;
};

}  // namespace hubseal::agent::auth::keycloak
