/// The daemon's answers as people read them, and the options that several subcommands share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "common/json.h"
#include "common/result.h"

namespace hubseal::cli {

std::string render_key(const Json& key);
std::string render_keys(const Json& keys);
std::string render_tls_keys(const Json& keys);
/// Subject, validity, fingerprint and key id of an active CA; what is awaited of another.
std::string render_ca(const Json& ca);
std::string render_certificate(const Json& certificate);

/// Something made by the daemon that goes into a file or a pipe: a certificate, a CSR, a JWS.
struct Artefact {
  std::optional<std::string> text;  ///< nothing where the daemon's answer holds none
  std::string out;                  ///< file name; empty for standard output
  bool force = false;
};

/// The text of an artefact in the daemon's answer, if there is one: of a certificate that was not finished there is
/// none.
std::optional<std::string> artefact_in(const Json& answer, std::string_view member);

/// Delivers `artefact` with its summary. Where there is none the summary is shown, no file is touched, and that is an
/// error. Without a file the artefact alone is on standard output, ready for a pipe, and the summary on standard error;
/// with --json standard output has `answer`. A file that cannot be written after all does not cost the artefact: it
/// goes to standard output.
Result<> deliver(const Session& session, const Json& answer, const std::string& summary, const Artefact& artefact);

/// write_output() for what the daemon has made: if that fails, `text` is printed (with --json it is
/// in the answer, which is printed) and the error says so.
Result<> save(const Session& session, const std::string& name, const std::string& text, bool force);

/// "rsa_2048", ...: the choices of --type.
std::vector<std::string> key_type_words();
/// "RS256", ...: those of --algorithm.
std::vector<std::string> jws_algorithm_words();

}  // namespace hubseal::cli
