#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/guarded.h"
#include "common/key_types.h"
#include "common/result.h"
#include "daemon/ca/prepare.h"
#include "daemon/group_commit.h"
#include "daemon/sqlite.h"

namespace hubseal::daemon {

/// What a registered key may serve; a key serves one thing.
enum class KeyUse {
  ca,   ///< certificates
  jws,  ///< JSON Web Signatures
  tls,  ///< the hub's own TLS: its CSR, and nothing else here
};
constexpr std::array<std::pair<std::string_view, KeyUse>, 3> kKeyUses = {
    {{"ca", KeyUse::ca}, {"jws", KeyUse::jws}, {"tls", KeyUse::tls}}};
std::string_view to_string(KeyUse use);

struct KeyRecord {
  std::string label;
  KeyId id{};
  KeyType type{};
  KeyUse use{};
  TimePoint created_at{};
};

struct CaRecord {
  std::string name;
  std::string key;  ///< label
  std::string profile;
  Bytes certificate;  ///< DER; empty while its CSR is with an outside root
  Bytes csr;          ///< DER; empty for a self-signed root
};

/// A certificate from the moment its serial is reserved.
struct CertificateRecord {
  std::int64_t row = 0;
  std::string ca;
  std::string serial;  ///< lower-case hexadecimal
  std::string profile;
  std::string subject;  ///< participant (DFSP); the CA's own name for a root
  std::string peer;     ///< entry of the configuration that asked
  std::string request;  ///< its id; unique per peer
  Bytes content_hash;   ///< SHA-256 over what was asked: a repeat must ask the same
  KeyId key_id{};       ///< the certified key
  std::string distinguished_name;
  TimePoint not_before{};
  TimePoint not_after{};
  Bytes tbs;  ///< DER to be signed; kept so that a repeat signs the same bytes
  SignatureAlgorithm algorithm{};
  Bytes certificate;  ///< DER; empty until it is issued

  bool issued() const { return !certificate.empty(); }
};

struct CertificateQuery {
  std::optional<std::string> ca;
  std::optional<std::string> subject;
  std::int64_t after = 0;  ///< row of the last one seen
  std::int64_t limit = 100;
};

/// The daemon's own memory of keys, CAs, certificates and names: SQLite, synchronous=FULL, so that
/// what has returned is on disk. A lost or forged database of the agent changes nothing here.
/// Owns: `registry.sqlite` in the given folder. One transaction is shared by concurrent writers.
/// Threads: share it freely.
/// Errors: storage_unavailable (disk), conflict (taken), internal.
class Registry {
 public:
  static Result<std::unique_ptr<Registry>> open(const std::filesystem::path& folder);

  Result<> add_key(const KeyRecord& key);
  Result<std::vector<KeyRecord>> keys();

  Result<> add_ca(const CaRecord& ca);
  Result<std::vector<CaRecord>> cas();
  Result<std::optional<CaRecord>> find_ca(const std::string& name);

  /// Writes an intent: serial, to-be-signed bytes and names, durable before anything is signed.
  /// Errors: conflict (request id, serial, key or a name already taken; the message says which).
  Result<> reserve(const CertificateRecord& intent, const std::vector<ca::ClaimedName>& names);
  /// Writes the certificate that an intent became. False where another thread was first: that one stays.
  Result<bool> complete(const std::string& ca, const std::string& serial, ByteView certificate);

  Result<std::optional<CertificateRecord>> find_certificate(const std::string& ca, const std::string& serial);
  Result<std::optional<CertificateRecord>> find_request(const std::string& peer, const std::string& request);
  Result<std::vector<CertificateRecord>> list_certificates(const CertificateQuery& query);
  /// The newest not_before written so far: time has been at least that (clock_guard.h).
  Result<std::optional<TimePoint>> latest_time();

 private:
  struct Write : GroupCommit<Write>::Ticket {
    std::function<Result<>(Database&)> work;
    Result<> result;
  };

  Registry(Database writer, Database reader);
  Result<> write(std::function<Result<>(Database&)> work);
  void flush(std::span<Write* const> batch);

  Database writer_;  // only touched by the thread that flushes
  Guarded<Database> reader_;
  GroupCommit<Write> commit_;
};

}  // namespace hubseal::daemon
