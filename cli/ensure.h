/// Making things that may be there already: what a ceremony repeats after an interruption.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "cli/session.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

struct Ensured {
  Json object;           ///< as get_public_key or get_ca answers
  bool created = false;  ///< now, not before
};

struct KeyWish {
  std::string label;
  std::string type;
  std::string use;
  std::string algorithm;         ///< of a key for JWS; empty: the usual one of its type
  bool pre_activation = false;   ///< signs nothing before it is activated
  bool backup_required = false;  ///< nor before its backup is confirmed
};

/// Errors: conflict when a key of this label is there and is not of this type and use.
Result<Ensured> ensure_key(const Session& session, const KeyWish& wish);

struct CaWish {
  std::string ca;
  std::string key;
  std::string profile;
  std::string subject;  ///< a distinguished name; may be empty when the CA is there
  std::string form = "root";
};

/// Whether a CA with a new key of this type would be refused: asked before the key is made.
Result<> check_ca(const Session& session, const CaWish& wish, const std::string& key_type);
/// Errors: conflict when a CA of this name is there with another key, profile or subject.
Result<Ensured> ensure_ca(const Session& session, const CaWish& wish);

/// create_key, telling a person who watches that it takes a while.
Result<Json> create_key(const Session& session, const KeyWish& wish);
Result<Json> create_ca(const Session& session, const CaWish& wish);

}  // namespace hubseal::cli
