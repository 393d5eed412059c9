#include "common/audit/checkpoint.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/key_types.h"
#include "common/number.h"

namespace hubseal::audit {
namespace {

constexpr std::string_view kDash = "\xe2\x80\x94 ";  // em dash and space
constexpr std::size_t kMaxNote = 8192, kMaxSignatures = 32, kMaxName = 128;
constexpr std::uint8_t kCosignature = 0x04;
constexpr std::size_t kEd25519Key = 32, kEd25519Signature = 64, kTimestamp = 8;

tl::unexpected<Error> bad(std::string_view what, std::string_view problem) {
  return fail(Code::bad_request, fmt::format("not a {}: {}", what, problem));
}

/// The text up to the next line feed, taken off with it; nothing where there is none.
std::optional<std::string_view> take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

/// What names may be: no white space, no "+".
bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != '+' && c != 0x7f; });
}

Result<NoteSignature> parse_signature(std::string_view line) {
  if (!line.starts_with(kDash)) return bad("signed note", "a signature line does not begin with a dash");
  line.remove_prefix(kDash.size());
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || !is_name(line.substr(0, space)))
    return bad("signed note", "a signature line without a name");
  const Bytes blob = TRY(from_base64(line.substr(space + 1)));
  NoteSignature signature{.name = std::string(line.substr(0, space))};
  if (blob.size() <= signature.signer.size()) return bad("signed note", "a signature of too few bytes");
  std::copy_n(blob.begin(), signature.signer.size(), signature.signer.begin());
  signature.value.assign(blob.begin() + static_cast<std::ptrdiff_t>(signature.signer.size()), blob.end());
  return signature;
}

SignerId first_bytes(ByteView input) {
  const auto digest = sha256(input);
  SignerId id;
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

bool verifies(EVP_PKEY* key, const EVP_MD* hash, ByteView message, ByteView signature) {
  const MdContextPtr context(EVP_MD_CTX_new());
  const bool good =
      context && key && EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, key) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(), message.size()) == 1;
  if (!good) drain_openssl_errors();
  return good;
}

}  // namespace

std::string text_of(const Checkpoint& checkpoint) {
  return fmt::format("{}\n{}\n{}\n", checkpoint.origin, checkpoint.size, to_base64(checkpoint.root));
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto origin = take_line(text), size = take_line(text), root = take_line(text);
  if (!root || !text.empty()) return bad("checkpoint", "wanted three lines");
  const auto number = parse_number<decltype(Checkpoint::size)>(*size);
  // Written back, so that one checkpoint has one text.
  if (!is_name(*origin) || !number || fmt::format("{}", *number) != *size)
    return bad("checkpoint", "its origin or size");
  Checkpoint checkpoint{.origin = std::string(*origin), .size = *number};
  const Bytes hash = TRY(from_base64(*root));
  if (hash.size() != checkpoint.root.size()) return bad("checkpoint", "its root");
  std::copy(hash.begin(), hash.end(), checkpoint.root.begin());
  if (checkpoint.size == 0 && checkpoint.root != Tree().root())
    return bad("checkpoint", "a root of records, and a size of 0");
  return checkpoint;
}

std::string to_text(const SignedNote& note) {
  std::string text = note.text + "\n";
  for (const NoteSignature& signature : note.signatures) {
    Bytes blob(signature.signer.begin(), signature.signer.end());
    blob.insert(blob.end(), signature.value.begin(), signature.value.end());
    text += fmt::format("{}{} {}\n", kDash, signature.name, to_base64(blob));
  }
  return text;
}

Result<SignedNote> parse_note(std::string_view text) {
  if (text.size() > kMaxNote) return bad("signed note", fmt::format("over {} bytes", kMaxNote));
  const std::size_t middle = text.rfind("\n\n");
  if (middle == std::string_view::npos) return bad("signed note", "no empty line before the signatures");
  SignedNote note{.text = std::string(text.substr(0, middle + 1)), .signatures = {}};
  text.remove_prefix(middle + 2);
  while (!text.empty()) {
    const auto line = take_line(text);
    if (!line || note.signatures.size() == kMaxSignatures) return bad("signed note", "its signatures");
    note.signatures.push_back(TRY(parse_signature(*line)));
  }
  if (note.signatures.empty()) return bad("signed note", "nobody signed it");
  return note;
}

std::vector<std::string_view> split_notes(std::string_view file) {
  std::vector<std::string_view> notes;
  while (!file.empty()) {
    // An empty line ends the text, another one the signatures.
    const std::size_t middle = file.find("\n\n");
    if (middle == std::string_view::npos) break;
    const std::size_t end = file.find("\n\n", middle + 2);
    if (end == std::string_view::npos) break;
    notes.push_back(file.substr(0, end + 1));
    file.remove_prefix(end + 2);
  }
  return notes;
}

SignerId ecdsa_signer_id(ByteView spki) { return first_bytes(spki); }

bool is_signed_by(const SignedNote& note, std::string_view name, ByteView spki, EVP_PKEY* key) {
  const SignerId id = ecdsa_signer_id(spki);
  return std::any_of(note.signatures.begin(), note.signatures.end(), [&](const NoteSignature& signature) {
    return signature.name == name && signature.signer == id &&
           verifies(key, EVP_sha256(), as_bytes(note.text), signature.value);
  });
}

std::string other_signer(const SignedNote& note, std::string_view name, const std::vector<Bytes>& keys) {
  std::string other;
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != name) continue;
    for (const Bytes& spki : keys)
      if (ecdsa_signer_id(spki) == signature.signer) return {};
    other = to_hex(signature.signer);
  }
  return other;
}

Result<Witness> Witness::parse(std::string_view text) {
  const std::size_t first = text.find('+');
  const std::size_t second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || !is_name(text.substr(0, first)))
    return bad("verifier key", "wanted NAME+ID+KEY");
  Witness witness{.name = std::string(text.substr(0, first))};
  const Bytes id = TRY(from_hex(text.substr(first + 1, second - first - 1)));
  const Bytes key = TRY(from_base64(text.substr(second + 1)));
  if (key.size() != 1 + kEd25519Key || key[0] != kCosignature)
    return bad("verifier key", "wanted an Ed25519 key for cosignatures (type 4)");
  Bytes hashed(witness.name.begin(), witness.name.end());
  hashed.push_back('\n');
  hashed.insert(hashed.end(), key.begin(), key.end());
  witness.id = first_bytes(hashed);
  if (Bytes(witness.id.begin(), witness.id.end()) != id) return bad("verifier key", "its id is not that of its key");
  witness.key.assign(key.begin() + 1, key.end());
  return witness;
}

std::optional<std::uint64_t> cosigned_at(const SignedNote& note, const Witness& witness) {
  const PkeyPtr key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, witness.key.data(), witness.key.size()));
  for (const NoteSignature& signature : note.signatures) {
    if (signature.name != witness.name || signature.signer != witness.id ||
        signature.value.size() != kTimestamp + kEd25519Signature)
      continue;
    std::uint64_t time = 0;
    for (std::size_t i = 0; i < kTimestamp; ++i) time = time << 8 | signature.value[i];
    const std::string message = fmt::format("cosignature/v1\ntime {}\n{}", time, note.text);
    if (verifies(key.get(), nullptr, as_bytes(message), ByteView(signature.value).subspan(kTimestamp))) return time;
  }
  return std::nullopt;
}

}  // namespace hubseal::audit
