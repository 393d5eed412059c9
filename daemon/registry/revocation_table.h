#pragma once

#include <optional>
#include <string>
#include <vector>

#include "daemon/ca/crl.h"
#include "daemon/registry/sqlite.h"

namespace hubseal::daemon {

struct RevocationRecord {
  std::string ca;
  std::string serial;
  ca::RevocationReason reason{};
  TimePoint at{};
  bool suspended = false;  ///< a hold that came with the suspension of the participant, and goes with it
};

/// A CRL from the moment its number is reserved.
struct CrlRecord {
  std::string ca;
  std::int64_t number = 0;
  std::int64_t change = 0;  ///< changes of the list that it takes in
  TimePoint this_update{};
  TimePoint next_update{};
  Bytes der;  ///< empty until it is signed
};

/// Which certificates are revoked now, and the CRLs that say so. Who revoked what and when is in the audit log.
namespace revocation_table {

/// Writes it in place of what is there, and counts a change.
Result<> set(Database& database, const RevocationRecord& revocation);
/// Takes a hold back, and counts a change.
Result<> remove(Database& database, const std::string& ca, const std::string& serial);
/// Puts every certificate on hold that the participant has, or is about to have, and that is not revoked; counts a
/// change for each CA. Also those that have ended, for the clock may be wrong. The number of certificates.
Result<std::int64_t> suspend(Database& database, const std::string& subject, TimePoint now);
/// Takes back what suspend() did and nothing else: a certificate that was on hold before stays so.
Result<std::int64_t> resume(Database& database, const std::string& subject);
/// Revokes for good what suspend() would put on hold, and what is on hold. The number of certificates.
Result<std::int64_t> off_board(Database& database, const std::string& subject, TimePoint now);
Result<std::optional<RevocationRecord>> find(Database& database, const std::string& ca, const std::string& serial);
/// All of a CA whose certificates end after `then`, or nobody here knows when.
Result<std::vector<RevocationRecord>> list(Database& database, const std::string& ca, TimePoint then);

/// What a CA said before it came here: its entries stand though no certificate of theirs is known, and its numbers go
/// on.
Result<> take_over(Database& database, const CrlRecord& last, const std::vector<RevocationRecord>& entries);

/// How often the list of this CA has changed so far.
Result<std::int64_t> changes(Database& database, const std::string& ca);
/// The highest number that was reserved or taken over; 0 where there is none.
Result<std::int64_t> last_number(Database& database, const std::string& ca);
/// Reserves the next number: also one that is never signed is not given twice.
Result<std::int64_t> reserve_crl(Database& database, const CrlRecord& crl);
/// Leaves out the next `count` numbers of every CA: they may have been given to CRLs that nobody here remembers. Not of
/// one whose key is compromised: its last list stays, because it signs none after it.
Result<> skip_crl_numbers(Database& database, std::int64_t count);
Result<> complete_crl(Database& database, const CrlRecord& crl);
/// The newest that was signed.
Result<std::optional<CrlRecord>> latest_crl(Database& database, const std::string& ca);

}  // namespace revocation_table
}  // namespace hubseal::daemon
