#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace hubseal::agent::store {

class Database;

/// A participant of the scheme.
struct Dfsp {
  std::string id;
  std::string name;
  std::optional<std::string> monetary_zone = {};
  std::optional<bool> is_proxy = {};
  std::string security_group = {};
  std::optional<std::string> email = {};
  std::vector<std::string> fxp_currencies = {};  ///< in alphabetical order where find() read them
};

/// What may change of a participant; what is absent stays.
struct DfspChange {
  std::optional<std::string> name = {};
  std::optional<std::string> monetary_zone = {};
  std::optional<bool> is_proxy = {};
  std::optional<std::string> security_group = {};
};
/// The form in which ids are compared: in lower case. ASCII is enough: ids are made of ASCII letters, digits and three
/// signs.
std::string folded(std::string_view id);

/// Threads: share it freely. Errors: storage_unavailable.
class DfspTable {
 public:
  explicit DfspTable(Database& database) : database_(database) {}

  /// Errors: conflict when an id that differs at most in case exists; bad_request for a currency that is none.
  Result<> add(const Dfsp& dfsp, TimePoint now);
  Result<bool> exists(std::string_view id);
  Result<bool> is_proxy(std::string_view id);
  /// Nothing: there is no such DFSP.
  Result<std::optional<std::string>> security_group(std::string_view id);
  /// In the order in which they were added; without fxp_currencies, which find() alone tells.
  Result<std::vector<Dfsp>> list();
  Result<std::optional<Dfsp>> find(std::string_view id);
  /// What is there in `change`; returns what is stored then. Errors: bad_request for a zone that is no currency.
  Result<std::optional<Dfsp>> change(std::string_view id, const DfspChange& change);
  /// With all that it has uploaded. The labels of the hub's keys in the HSM that were made for it; nothing where there
  /// was no such DFSP. Errors: conflict while there is, or may be, a certificate.
  Result<std::optional<std::vector<std::string>>> remove(std::string_view id);

 private:
  Database& database_;
};

}  // namespace hubseal::agent::store
