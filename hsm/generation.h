#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/guarded.h"
#include "hsm/held_out.h"
#include "hsm/key_object.h"
#include "hsm/key_table.h"
#include "hsm/login.h"
#include "hsm/mechanism.h"
#include "hsm/module.h"
#include "hsm/quarantine.h"
#include "hsm/session_pool.h"

namespace hubseal::hsm {

/// Everything that one C_Initialize begets: module, token, login, sessions and key handles. When any
/// of it is lost, all of it is thrown away and the next generation is opened.
/// Owns: the session that holds the login (the anchor: a token ends the login when the last session
/// closes) and the pool of those that sign.
/// Threads: share it freely, except for opening and destroying, which come one at a time.
/// Errors: as Signer; `lost()` tells whether an error was the end of this generation.
class Generation {
 public:
  struct Shared {  ///< what outlives generations
    const TokenConfig& config;
    Login& login;
    Quarantine& quarantine;
    HeldOut& held_out;
  };

  /// Initialises the module, finds the token (no other than `known`, if that is given), logs in once and
  /// finds the keys.
  static Result<std::unique_ptr<Generation>> open(const Shared& shared, const std::optional<TokenIdentity>& known);
  ~Generation();
  Generation(const Generation&) = delete;  // its sessions exist once
  Generation& operator=(const Generation&) = delete;

  bool lost() const { return cryptoki_.lost(); }
  /// Sends away those who wait for a session.
  void close() { pool_.close(); }

  /// Without asking the token.
  bool shows(const KeyId& id) { return keys_.find(id) != nullptr; }
  std::vector<KeyInfo> list_keys();
  Result<KeyInfo> find_key(const KeyId& id);
  Result<KeyInfo> look_for(const KeyId& id);
  Result<KeyInfo> generate_key(KeyType type, std::string_view label);
  Result<Bytes> sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message);
  Result<Bytes> sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest);
  Result<> prove_key(const KeyId& id);
  Result<> destroy_key(const KeyId& id, std::string_view label, const Signer::Begin& begin);
  Result<std::vector<Bytes>> read_data(std::string_view label);
  Result<std::vector<std::string>> data_labels();
  Result<> erase_data(std::string_view label);
  Result<> write_data(std::string_view label, ByteView value);

  const Token& token() const { return token_; }
  unsigned sessions() { return pool_.size(); }

 private:
  using KeyPtr = KeyTable::KeyPtr;

  Generation(const Shared& shared, std::unique_ptr<Module> module, Token token, unsigned sessions);
  Result<> log_in();
  Result<> read_token();
  Result<std::vector<Key>> look();
  Result<> look_again();
  Result<> take_back(Key key);
  Result<std::string> problem_of(const Key& key);
  void tell_missing();
  Result<> check_shown_without(const KeyId& id);
  void lose_sight_of(const KeyId& id);
  Result<Key> checked_key(const Session& session, const KeyPair& pair, KeyType type);
  Error absence_of(const KeyId& id);
  Result<KeyPtr> present_key(const KeyId& id);
  Result<KeyPtr> usable_key(const KeyId& id);
  Result<KeyPtr> usable_key(const KeyId& id, SignatureAlgorithm algorithm);
  KeyInfo info_of(const Key& key);

  Result<Bytes> sign_with(const Key& key, const Hashed& hashed);
  Result<std::optional<Bytes>> try_sign(const Key& key, const Hashed& hashed);
  tl::unexpected<Error> refuse_signature_of(const Key& key);
  CK_OBJECT_HANDLE handle_in(SessionPool::Lease& lease, const Key& key);
  Result<bool> challenge(const Key& key);
  Result<> prove(const Key& key);

  const Shared shared_;
  const std::unique_ptr<Module> module_;
  const Token token_;
  Cryptoki cryptoki_;
  CK_SESSION_HANDLE anchor_ = 0;
  SessionPool pool_;
  MechanismTable mechanisms_;
  KeyTable keys_;
  // What is looked for in the token and then changed is one step: of keys, and of data objects, so that a key whose
  // destruction hangs keeps no data object waiting.
  std::mutex changing_keys_, changing_data_;
  Guarded<std::set<std::string>> making_;  ///< labels of keys that are being made, for which nobody else waits
  std::atomic<bool> copies_refused_{false};
};

}  // namespace hubseal::hsm
