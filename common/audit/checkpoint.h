/// What the log's owner signs, and witnesses sign after it: that the log had this many records with this root.
/// Formats: C2SP tlog-checkpoint, signed-note and tlog-cosignature (https://c2sp.org).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/audit/merkle.h"
#include "common/openssl.h"

namespace hubseal::audit {

struct Checkpoint {
  std::string origin;  ///< name of the log, and of the key that signs it
  std::uint64_t size = 0;
  Hash root{};
};

/// Three lines: origin, size, root in base64.
std::string text_of(const Checkpoint& checkpoint);
/// Errors: bad_request.
Result<Checkpoint> parse_checkpoint(std::string_view text);

using SignerId = std::array<std::uint8_t, 4>;

struct NoteSignature {
  std::string name;
  SignerId signer{};
  Bytes value;  ///< what follows the id
};

/// A text and who signed it.
struct SignedNote {
  std::string text;
  std::vector<NoteSignature> signatures;
};

/// The text, an empty line, and a line for each signature: "— name base64(id || value)".
std::string to_text(const SignedNote& note);
/// At most 16 signatures and 8 KiB. Errors: bad_request.
Result<SignedNote> parse_note(std::string_view text);

/// The notes of a checkpoints file, which stand one after the other with an empty line after each. What a crash cut off
/// at the end is left out.
std::vector<std::string_view> split_notes(std::string_view file);

/// ECDSA over SHA-256 (signature type 0x02): the first bytes of SHA-256 of the SubjectPublicKeyInfo.
SignerId ecdsa_signer_id(ByteView spki);
/// Whether the note holds a signature of this name by this key, and it verifies.
bool is_signed_by(const SignedNote& note, std::string_view name, ByteView spki, EVP_PKEY* key);

/// The key that a signature of this name names, where it is none of `keys` (SubjectPublicKeyInfo each): the first eight
/// digits of its key id. Empty where there is none: a signature that names a key of ours and does not verify is forged.
std::string other_signer(const SignedNote& note, std::string_view name, const std::vector<Bytes>& keys);

/// A witness: Ed25519, known by a C2SP verifier key "name+id+base64(0x04 || key)".
struct Witness {
  std::string name;
  SignerId id{};
  Bytes key;  ///< 32 bytes

  /// Errors: bad_request.
  static Result<Witness> parse(std::string_view verifier_key);
};

/// The time (seconds since 1970, UTC) at which the witness cosigned the note; nothing when it did not, or wrongly.
std::optional<std::uint64_t> cosigned_at(const SignedNote& note, const Witness& witness);

}  // namespace hubseal::audit
