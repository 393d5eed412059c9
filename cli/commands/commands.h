/// The subcommands: each function adds one, with its options, help and examples, to `app`.
#pragma once

#include <string>

#include <CLI/App.hpp>

#include "cli/session.h"

namespace hubseal::cli {

void add_init(CLI::App& app, Session& session);
void add_ceremony(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_key(CLI::App& app, Session& session);
void add_key_life(CLI::App& key, Session& session);      ///< below `hubseal key`
void add_key_rotation(CLI::App& key, Session& session);  ///< likewise
void add_ca(CLI::App& app, Session& session);
void add_ca_rotation(CLI::App& ca, Session& session);  ///< below `hubseal ca`
void add_cert(CLI::App& app, Session& session);
void add_policy(CLI::App& app, Session& session);
void add_subject(CLI::App& app, Session& session);
void add_crl(CLI::App& app, Session& session);
void add_csr(CLI::App& app, Session& session);
void add_jws(CLI::App& app, Session& session);
void add_jws_message(CLI::App& jws, Session& session);  ///< below `hubseal jws`
void add_approval(CLI::App& app, Session& session);
void add_approver(CLI::App& app, Session& session);
void add_audit(CLI::App& app, Session& session);
void add_conformance(CLI::App& app, Session& session);
void add_seal(CLI::App& app, Session& session);
void add_raw(CLI::App& app, Session& session);
void add_completion(CLI::App& app, Session& session);

/// A subcommand whose help ends with `examples`.
inline CLI::App* command(CLI::App& parent, const std::string& name, const std::string& description,
                         const std::string& examples) {
  CLI::App* added = parent.add_subcommand(name, description);
  added->footer("\nExamples:\n" + examples);
  return added;
}

/// Runs `action(session, options)` when `command` is what was asked for.
template <class Options, class Action>
void on(CLI::App* command, Session& session, Options options, Action action) {
  command->callback([&session, options, action] {
    session.action = [&session, options, action]() -> Result<ExitCode> { return action(session, *options); };
  });
}

}  // namespace hubseal::cli
