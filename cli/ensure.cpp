#include "cli/ensure.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/input_output.h"
#include "cli/subject.h"

namespace hubseal::cli {
namespace {

Result<> must_be(const std::string& thing, const char* what, const std::string& found, const std::string& wanted) {
  if (found == wanted) return {};
  return fail(Code::conflict, fmt::format("{} is there already, with {} {}; wanted {}", thing, what, found, wanted));
}

/// Compared part by part: the daemon writes a name in the order of the profile.
Result<> must_have_subject(const std::string& thing, const std::string& found, const std::string& wanted) {
  const auto present = parse_subject(found);
  const Json asked = TRY(parse_subject(wanted));
  // Two maps without an order, for the comparison only.
  if (present && nlohmann::json(*present) == nlohmann::json(asked)) return {};
  return must_be(thing, "subject", found, wanted);
}

}  // namespace

Result<Json> create_key(const Session& session, const KeyWish& wish) {
  if (wish.type.rfind("rsa_", 0) == 0)
    print_progress(fmt::format("making {} ({}) in the token; this may take a minute...\n", wish.label, wish.type));
  Json fields = {{"label", wish.label}, {"type", wish.type}, {"use", wish.use}};
  if (wish.pre_activation) fields["state"] = "pre_activation";
  if (wish.backup_required) fields["backup_required"] = true;
  if (!wish.algorithm.empty()) fields["algorithm"] = wish.algorithm;
  return session.call("create_key", fields, Work::key_generation);
}

Result<Ensured> ensure_key(const Session& session, const KeyWish& wish) {
  // By the list: a refusal to show one that is not there would be an entry in the audit log.
  const Json answer = TRY(session.call("list_keys", Json::object()));
  for (const Json& key : member_of(answer, "keys")) {
    if (text_of(key, "label") != wish.label) continue;
    TRY(must_be("key " + wish.label, "type", text_of(key, "type"), wish.type));
    TRY(must_be("key " + wish.label, "use", text_of(key, "use"), wish.use));
    return Ensured{key, false};
  }
  Json made = TRY(create_key(session, wish));
  return Ensured{std::move(made), true};
}

Result<Json> create_ca(const Session& session, const CaWish& wish) {
  Json fields = {{"ca", wish.ca}, {"key", wish.key}, {"profile", wish.profile}};
  fields["subject"] = TRY(parse_subject(wish.subject));
  if (wish.form != "root") fields["form"] = wish.form;
  return session.call("create_ca", fields);
}

Result<> check_ca(const Session& session, const CaWish& wish, const std::string& key_type) {
  Json fields = {{"ca", wish.ca}, {"profile", wish.profile}, {"key_type", key_type}};
  fields["subject"] = TRY(parse_subject(wish.subject));
  TRY(session.call("check_ca", fields));
  return {};
}

Result<Ensured> ensure_ca(const Session& session, const CaWish& wish) {
  const auto present = session.call("get_ca", {{"ca", wish.ca}});
  if (!present && present.error().code != Code::not_found) return tl::unexpected(present.error());
  if (!present) {
    if (wish.subject.empty())
      return fail(Code::bad_request, fmt::format("there is no {} yet: give --subject \"CN=...,O=...,C=...\" to "
                                                 "create it",
                                                 wish.ca));
    Json made = TRY(create_ca(session, wish));
    return Ensured{std::move(made), true};
  }
  const std::string thing = "CA " + wish.ca;
  TRY(must_be(thing, "key", text_of(*present, "key"), wish.key));
  TRY(must_be(thing, "profile", text_of(*present, "profile"), wish.profile));
  if (!wish.subject.empty() && member_of(*present, "subject").is_string())
    TRY(must_have_subject(thing, text_of(*present, "subject"), wish.subject));
  return Ensured{*present, false};
}

}  // namespace hubseal::cli
