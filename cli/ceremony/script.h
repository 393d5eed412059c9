/// A ceremony as it was reviewed: one TOML file, read before anything is done.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

/// One request of the file.
struct CeremonyStep {
  std::string operation;  ///< of docs/PROTOCOL.md
  Json fields;            ///< as they are asked
  std::string about;      ///< the key, CA, approver or participant
};

struct Script {
  std::string text;    ///< byte for byte
  std::string sha256;  ///< of the text, hexadecimal
  std::string title;
  std::vector<std::string> witnesses;
  std::string policy_sha256;  ///< of the policy under which it begins; empty: any
  std::vector<CeremonyStep> steps;
};

/// The whole file: every step decoded, and their order such that no step must be refused because of an earlier one.
/// `name` stands in messages. Errors: bad_request, too_large, naming the step.
Result<Script> read_script(std::string text, const std::string& name);

/// The step that makes this key in the token; null where the file has none.
const CeremonyStep* maker_of(const Script& script, const std::string& key);

/// What a step makes and must not find there: "key hub-ca", "CA hub-ca". Empty where it changes something.
std::vector<std::string> made_by(const CeremonyStep& step);

/// For people: header, digest, and what each step asks for.
std::string render_script(const Script& script);
/// "create_key hub-ca"
std::string name_of(const CeremonyStep& step);
/// Members of a request, a line each.
std::string render_fields(const Json& fields);

}  // namespace hubseal::cli
