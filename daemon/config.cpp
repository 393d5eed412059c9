#include "daemon/config.h"

#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "common/clock.h"
#include "common/fields.h"
#include "common/files.h"
#include "common/log.h"
#include "common/number.h"
#include "common/slips.h"
#include "common/toml.h"
#include "daemon/descriptors.h"

namespace hubseal::daemon {
namespace {

constexpr std::size_t kMaxPath = 1024;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxPinBytes = 256;
constexpr std::size_t kMaxMessageRule = 256;

Result<std::filesystem::path> as_absolute(std::string_view member, std::filesystem::path path) {
  if (!path.is_absolute())
    return fail(Code::bad_request, fmt::format("\"{}\" is \"{}\"; wanted an absolute path", member, path.string()));
  return path;
}

Result<std::filesystem::path> absolute_path(Fields& fields, std::string_view member) {
  return as_absolute(member, TRY(fields.text(member, kMaxPath)));
}

Result<std::optional<std::filesystem::path>> optional_path(Fields& fields, std::string_view member) {
  const auto text = TRY(fields.optional_text(member, kMaxPath));
  if (!text) return std::nullopt;
  return TRY(as_absolute(member, *text));
}

Result<Config::Server> read_server(Fields fields) {
  Config::Server server;
  server.runtime_dir = TRY(absolute_path(fields, "runtime_dir"));
  server.state_dir = TRY(absolute_path(fields, "state_dir"));
  server.crl_dir = TRY(optional_path(fields, "crl_dir")).value_or(server.state_dir / "crl");
  server.policy.policy_file = TRY(absolute_path(fields, "policy_file"));
  server.policy.profiles_dir = TRY(absolute_path(fields, "profiles_dir"));
  server.max_connections = static_cast<unsigned>(TRY(fields.integer_or("max_connections", 1, kMostConnections, 64)));
  server.line_timeout = std::chrono::seconds(TRY(fields.integer_or("line_timeout_seconds", 1, 600, 5)));
  server.idle_timeout = std::chrono::seconds(TRY(fields.integer_or("idle_timeout_seconds", 1, 86400, 300)));
  server.drain = std::chrono::seconds(TRY(fields.integer_or("drain_seconds", 1, 600, 10)));
  TRY(fields.nothing_left());
  return server;
}

Result<Config::Token> read_token(Fields fields) {
  Config::Token token;
  token.module = TRY(absolute_path(fields, "module"));
  token.label = TRY(fields.optional_text("label", 32));
  token.serial = TRY(fields.optional_text("serial", 16));
  if (token.label.has_value() == token.serial.has_value())
    return fail(Code::bad_request, "[token] wants exactly one of \"label\" and \"serial\"");
  // Whoever took one of these for the place of the PIN itself shall not find it in the log: what was found is not told.
  token.pin_file = TRY(fields.optional_text("pin_file", kMaxPath));
  if (token.pin_file && !token.pin_file->is_absolute())
    return fail(Code::bad_request,
                "\"token.pin_file\" is no absolute path; wanted that of a file that holds the PIN, "
                "and not the PIN itself");
  token.pin_credential = TRY(fields.optional_text("pin_credential", kMaxName));
  if (token.pin_credential && !is_name(*token.pin_credential))
    return fail(Code::bad_request,
                "\"token.pin_credential\" is no name of a systemd credential; wanted a letter or "
                "digit, then letters, digits, '.', '_' or '-', and not the PIN itself");
  if (token.pin_file.has_value() == token.pin_credential.has_value())
    return fail(Code::bad_request, "[token] wants exactly one of \"pin_file\" and \"pin_credential\"");
  token.sessions = static_cast<unsigned>(TRY(fields.integer_or("sessions", 0, 256, 0)));
  token.session_copies = TRY(fields.boolean_or("session_copies", false));
  token.deadline = std::chrono::milliseconds(TRY(fields.integer_or("deadline_ms", 10, 600000, 5000)));
  TRY(fields.nothing_left());
  return token;
}

Result<Config::Audit> read_audit(Fields fields) {
  Config::Audit audit;
  audit.file_bytes = TRY(fields.integer_or("file_mib", 1, 1024, 64)) << 20;
  audit.checkpoints.records =
      static_cast<std::uint64_t>(TRY(fields.integer_or("checkpoint_records", 1, 1'000'000, 1000)));
  audit.checkpoints.counter_in_token = TRY(fields.boolean_or("counter_in_token", true));
  audit.checkpoints.period = std::chrono::seconds(TRY(fields.integer_or("checkpoint_seconds", 1, 86400, 60)));
  for (const std::string& key : TRY(fields.text_list("witnesses", 16, 256))) {
    auto witness = audit::Witness::parse(key);
    if (!witness)
      return fail(Code::bad_request,
                  fmt::format("audit.witnesses[{}]: {}", audit.checkpoints.witnesses.size(), witness.error().message));
    audit.checkpoints.witnesses.push_back(*std::move(witness));
  }
  TRY(fields.nothing_left());
  return audit;
}

// Far below the last one, which system calls take for "leave it as it is".
constexpr std::uint32_t kHighestId = 999'999'999;

Result<uid_t> find_user(const std::string& peer, const std::string& name) {
  if (const auto id = parse_number<uid_t>(name, 0, kHighestId)) return *id;
  const passwd* entry = ::getpwnam(name.c_str());
  if (!entry)
    return fail(Code::not_found, fmt::format("peer \"{}\": there is no user \"{}\" on this machine", peer, name));
  return entry->pw_uid;
}

Result<gid_t> find_group(const std::string& peer, const std::string& name) {
  if (const auto id = parse_number<gid_t>(name, 0, kHighestId)) return *id;
  const group* entry = ::getgrnam(name.c_str());
  if (!entry)
    return fail(Code::not_found, fmt::format("peer \"{}\": there is no group \"{}\" on this machine", peer, name));
  return entry->gr_gid;
}

tl::unexpected<Error> unknown_permission(const std::string& peer, const std::string& word) {
  std::vector<std::string> names;
  for (const auto& [name, permission] : kPermissions) names.emplace_back(name);
  const std::string meant = nearest_name(word, names);
  return fail(Code::bad_request,
              fmt::format("peer \"{}\": \"permissions\" holds the unknown word \"{}\"{}; wanted some of: {}", peer,
                          log::printable(word, 64), meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant),
                          fmt::join(names, ", ")));
}

Result<unsigned> read_permissions(Fields& fields, const std::string& peer) {
  unsigned bits = 0;
  for (const std::string& word : TRY(fields.text_list("permissions", 64, kMaxName))) {
    unsigned bit = 0;
    for (const auto& [name, permission] : kPermissions)
      if (name == word) bit = static_cast<unsigned>(permission);
    if (bit == 0) return unknown_permission(peer, word);
    bits |= bit;
  }
  return bits;
}

/// A '*' at the end needs something before it: nobody means every key.
Result<std::vector<std::string>> read_keys(Fields& fields, const std::string& peer) {
  auto keys = TRY(fields.text_list("keys", 64, kMaxName));
  for (const std::string_view key : keys)
    if (!is_name(key.ends_with('*') ? key.substr(0, key.size() - 1) : key))
      return fail(Code::bad_request,
                  fmt::format("peer \"{}\": \"keys\" holds \"{}\"; wanted a key's label, or how labels begin and a '*'",
                              peer, log::printable(key, kMaxName)));
  return keys;
}

Result<PeerRule> read_peer(Fields fields) {
  PeerRule rule;
  rule.name = TRY(fields.name("name", kMaxName));
  rule.role = TRY(fields.choice("socket", kRoles));
  const auto user = TRY(fields.optional_text("user", kMaxName));
  const auto group = TRY(fields.optional_text("group", kMaxName));
  if (user.has_value() == group.has_value())
    return fail(Code::bad_request, fmt::format("peer \"{}\" wants exactly one of \"user\" and \"group\"", rule.name));
  if (user) rule.uid = TRY(find_user(rule.name, *user));
  if (group) rule.gid = TRY(find_group(rule.name, *group));
  rule.permissions = TRY(read_permissions(fields, rule.name));
  rule.profiles = TRY(fields.text_list("profiles", 64, kMaxName));
  rule.keys = TRY(read_keys(fields, rule.name));
  rule.sources = TRY(fields.text_list("sources", 16, kMaxName));
  for (const std::string& line : TRY(fields.text_list("messages", 64, kMaxMessageRule))) {
    auto message = MessageRule::parse(line);
    if (!message)
      return fail(Code::bad_request, fmt::format("peer \"{}\": messages: {}", rule.name, message.error().message));
    rule.messages.push_back(*std::move(message));
  }
  TRY(fields.nothing_left());
  return rule;
}

Result<Config> read_config(const Json& json) {
  Fields fields = TRY(Fields::of(json));
  Config config;
  config.server = TRY(read_server(TRY(fields.object("server"))));
  config.token = TRY(read_token(TRY(fields.object("token"))));
  if (auto audit = TRY(fields.optional_object("audit"))) config.audit = TRY(read_audit(*std::move(audit)));
  for (Fields& peer : TRY(fields.object_list("peer", 64))) {
    PeerRule rule = TRY(read_peer(std::move(peer)));
    for (const PeerRule& other : config.peers)
      if (other.name == rule.name)
        return fail(Code::bad_request, fmt::format("two peers are called \"{}\"", rule.name));
    config.peers.push_back(std::move(rule));
  }
  if (config.peers.empty()) return fail(Code::bad_request, "there is no [[peer]]: nobody could connect");
  TRY(fields.nothing_left());
  return config;
}

tl::unexpected<Error> no_pin_file(const std::string& problem) {
  return fail(Code::not_found, problem +
                                   "; hubseal init makes it for a new token; for one that has a PIN, write that "
                                   "into the file (mode 0600, one line)");
}

Code as_mistake(Code code) { return code == Code::not_found ? Code::bad_request : code; }

}  // namespace

Result<Config> Config::load(const std::filesystem::path& path) {
  // Whatever is missing, the file itself or somebody whom it names: it is the configuration that is wrong.
  const auto json = read_toml(path, Trust::config);
  if (!json) return fail(as_mistake(json.error().code), json.error().message);
  auto config = read_config(*json);
  if (!config)
    return fail(as_mistake(config.error().code), fmt::format("{}: {}", path.string(), config.error().message));
  return config;
}

Result<SecretBytes> read_pin(const Config::Token& token) {
  if (token.pin_file) {
    auto pin = read_secret_line(*token.pin_file, kMaxPinBytes);
    if (!pin && pin.error().code == Code::not_found) return no_pin_file(pin.error().message);
    return pin;
  }
  const char* folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!folder)
    return fail(Code::bad_request,
                "token.pin_credential: there is no systemd credential, because CREDENTIALS_DIRECTORY "
                "is not set; add LoadCredentialEncrypted= to the unit");
  auto pin = read_secret_line(std::filesystem::path(folder) / *token.pin_credential, kMaxPinBytes);
  if (!pin && pin.error().code == Code::not_found)
    return fail(Code::not_found,
                fmt::format("token.pin_credential: {} holds no credential of that name; wanted one that "
                            "LoadCredentialEncrypted= of the unit names",
                            folder));
  return pin;
}

Result<std::string> name_pin(const Config::Token& token) {
  if (token.pin_credential) return fmt::format("systemd credential {}", *token.pin_credential);
  struct stat info {};
  if (::lstat(token.pin_file->c_str(), &info) != 0)
    return no_pin_file(fmt::format("{}: {}", token.pin_file->string(), std::strerror(errno)));
  // Neither the device, which may have another number after a reboot, nor the time of the last change of owner or
  // mode, which is not one of the PIN: with these a refused PIN would look like a new one. Nor its length.
  return fmt::format("PIN file {}, inode {}, written {} + {} ns", token.pin_file->string(), info.st_ino,
                     format_utc(TimePoint(std::chrono::seconds(info.st_mtim.tv_sec))), info.st_mtim.tv_nsec);
}

}  // namespace hubseal::daemon
