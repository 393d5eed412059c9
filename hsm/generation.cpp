#include "hsm/generation.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>

#include "common/log.h"
#include "hsm/data_object.h"
#include "hsm/destruction.h"
#include "hsm/key_object.h"
#include "hsm/proof.h"
#include "hsm/writing_session.h"

namespace hubseal::hsm {
namespace {

unsigned session_count(const TokenConfig& config) {
  // Two per core: while one thread verifies or is being woken, another keeps the token busy. Measured
  // with SoftHSM: a tenth less CPU and more throughput than one per core (docs/PERFORMANCE.md).
  return config.sessions ? config.sessions : 2 * std::max(1U, std::thread::hardware_concurrency());
}

constexpr const char* kBadSignature = "the token gave a signature that does not verify";

/// Nobody else makes a key of this label meanwhile.
class HeldLabel {
 public:
  HeldLabel(Guarded<std::set<std::string>>& labels, std::string_view label)
      : labels_(labels), label_(label), is_new_(labels_.lock()->insert(label_).second) {}
  ~HeldLabel() {
    if (is_new_) labels_.lock()->erase(label_);
  }
  HeldLabel(const HeldLabel&) = delete;  // gives the label back
  HeldLabel& operator=(const HeldLabel&) = delete;
  bool is_new() const { return is_new_; }

 private:
  Guarded<std::set<std::string>>& labels_;
  const std::string label_;
  const bool is_new_;
};

}  // namespace

Generation::Generation(const Shared& shared, std::unique_ptr<Module> module, Token token, unsigned sessions)
    : shared_(shared),
      module_(std::move(module)),
      token_(std::move(token)),
      cryptoki_(module_->functions()),
      pool_(cryptoki_, token_.slot, sessions) {}

// Members go in reverse order: sessions first, C_Finalize last.
Generation::~Generation() = default;

Result<std::unique_ptr<Generation>> Generation::open(const Shared& shared, const std::optional<TokenIdentity>& known) {
  auto module = TRY(Module::initialize(shared.config.module));
  Token token = TRY(hsm::find_token(*module, shared.config, known));
  std::unique_ptr<Generation> generation(
      new Generation(shared, std::move(module), std::move(token), session_count(shared.config)));
  TRY(generation->log_in());
  TRY(generation->read_token());
  return generation;
}

Result<> Generation::log_in() {
  TRY(cryptoki_.check(cryptoki_->C_OpenSession(token_.slot, CKF_SERIAL_SESSION, nullptr, nullptr, &anchor_),
                      "C_OpenSession"));
  TRY(shared_.login.log_in(cryptoki_, anchor_, token_));
  return pool_.open_sessions();
}

Result<> Generation::read_token() {
  mechanisms_ = choose_mechanisms(TRY(read_mechanisms(cryptoki_, token_.slot)));
  for (Key& key : TRY(find_keys({cryptoki_, anchor_}))) {
    if (shared_.held_out.contains(key.id)) continue;  // for look_again, when it is asked for
    if (!key.problem.empty()) shared_.quarantine.add(key.id, key.label, key.problem);
    keys_.add(std::move(key));
  }
  keys_.begin_pause(shared_.config);
  return {};
}

Result<std::vector<Key>> Generation::look() {
  SessionPool::Lease lease = TRY(pool_.take(std::chrono::steady_clock::now() + shared_.config.deadline));
  auto found = TRY(find_keys(lease.session()));
  lease.keep();
  return found;
}

/// For keys that were asked for and missing. They are served when they have proven themselves.
Result<> Generation::look_again() {
  if (!keys_.may_look(shared_.config)) return {};
  for (Key& key : TRY(look()))
    if (keys_.misses(key.id) && !shared_.held_out.rests(key.id)) TRY(take_back(std::move(key)));
  tell_missing();
  return {};
}

/// One that was missing, and is shown. A look may come while objects still arrive, and a quarantine lasts: a problem
/// counts when the next look finds it too. Errors: of a generation that is lost over it.
Result<> Generation::take_back(Key key) {
  const auto problem = problem_of(key);
  if (!problem && lost()) return tl::unexpected(problem.error());
  log::info(
      "key that was missing is in the token",
      {{"key", to_string(key.id)}, {"label", key.label}, {"problem", problem ? *problem : problem.error().message}});
  if (!problem) return {};
  if (!problem->empty()) {
    if (!keys_.note_problem(key.id, *problem)) return {};
    shared_.quarantine.add(key.id, key.label, *problem);
  }
  keys_.add(std::move(key));
  return {};
}

/// Once for each. What else the token shows is no business of every peer that may ask for a key.
void Generation::tell_missing() {
  for (const KeyId& id : keys_.take_untold())
    if (!shared_.held_out.contains(id))
      log::warning("key is not in the token; is it the one that is meant, and does it show all that it has?",
                   {{"key", to_string(id)},
                    {"token", log::printable(token_.label, 32)},
                    {"serial", log::printable(token_.serial, 16)},
                    {"keys_shown", std::to_string(keys_.all().size())}});
}

/// Empty for a key that has proven itself, or is quarantined anyway.
Result<std::string> Generation::problem_of(const Key& key) {
  if (shared_.quarantine.reason(key.id)) return "";
  if (!key.problem.empty()) return key.problem;
  return TRY(challenge(key)) ? "" : kBadSignature;
}

KeyInfo Generation::info_of(const Key& key) {
  const auto reason = shared_.quarantine.reason(key.id);
  return {.id = key.id,
          .label = key.label,
          .type = key.type,
          .grade = key.grade,
          .state = reason ? KeyState::quarantined : KeyState::active,
          .spki = key.spki,
          .problem = reason.value_or("")};
}

std::vector<KeyInfo> Generation::list_keys() {
  std::vector<KeyInfo> infos;
  for (const KeyPtr& key : keys_.all()) infos.push_back(info_of(*key));
  return infos;
}

Result<Generation::KeyPtr> Generation::present_key(const KeyId& id) {
  if (KeyPtr key = keys_.find(id)) return key;
  keys_.miss(id);
  TRY(look_again());
  if (KeyPtr key = keys_.find(id)) return key;
  return tl::unexpected(absence_of(id));
}

Error Generation::absence_of(const KeyId& id) {
  const std::string problem =
      shared_.held_out.contains(id) ? "the token was lost when it was to prove itself" : keys_.problem_of(id);
  return {Code::hsm_unavailable,
          problem.empty()
              ? fmt::format("key {} is not in the token; it is looked for again when it is asked for", to_string(id))
              : fmt::format("key {} is in the token, but {}; it is tried again when it is asked for", to_string(id),
                            problem)};
}

Result<KeyInfo> Generation::find_key(const KeyId& id) { return info_of(*TRY(present_key(id))); }

Result<KeyInfo> Generation::look_for(const KeyId& id) {
  for (Key& key : TRY(look())) {
    if (key.id != id) continue;
    if (const KeyPtr known = keys_.find(id)) return info_of(*known);
    if (shared_.held_out.contains(id)) return tl::unexpected(absence_of(id));
    if (keys_.misses(id)) {  // one of ours, which proves itself before it is served
      TRY(take_back(std::move(key)));
      if (const KeyPtr back = keys_.find(id)) return info_of(*back);
      return tl::unexpected(absence_of(id));
    }
    if (!key.problem.empty())
      return fail(Code::hsm_unavailable, fmt::format("key {} is in the token, but {}", to_string(id), key.problem));
    return info_of(*keys_.add(std::move(key)));
  }
  lose_sight_of(id);
  return fail(Code::not_found, fmt::format("there is no key {} in the token", to_string(id)));
}

/// Somebody else may have destroyed it. Who asks for it has it looked for again.
void Generation::lose_sight_of(const KeyId& id) {
  if (!keys_.remove(id)) return;
  keys_.miss(id);
  pool_.renew();  // with the sessions go the copies that live in them
}

Result<Generation::KeyPtr> Generation::usable_key(const KeyId& id) {
  KeyPtr key = TRY(present_key(id));
  if (const auto reason = shared_.quarantine.reason(id))
    return fail(Code::hsm_unavailable, fmt::format("key {} is quarantined: {}", to_string(id), *reason));
  return key;
}

Result<Generation::KeyPtr> Generation::usable_key(const KeyId& id, SignatureAlgorithm algorithm) {
  KeyPtr key = TRY(usable_key(id));
  if (fits(algorithm, key->type)) return key;
  return fail(Code::bad_request,
              fmt::format("{} is not for a key of type {}", to_string(algorithm), to_string(key->type)));
}

Result<KeyInfo> Generation::generate_key(KeyType type, std::string_view label) {
  if (label.empty() || label.size() > 255)
    return fail(Code::bad_request, fmt::format("a key's label has 1 to 255 bytes; found {}", label.size()));
  const HeldLabel held(making_, label);
  const auto writing = TRY(WritingSession::open(cryptoki_, token_.slot));
  if (!held.is_new() || TRY(label_taken(**writing, label)))
    return fail(Code::conflict, fmt::format("a key labelled {} is in the token already", log::printable(label, 64)));

  const KeyPair pair = TRY(generate_pair(**writing, type, label));
  auto key = checked_key(**writing, pair, type);
  if (!key) {
    log::error("generated key refused", {{"label", std::string(label)}, {"reason", key.error().message}});
    destroy_pair(**writing, pair);
    return tl::unexpected(key.error());
  }
  const KeyPtr made = keys_.add(*std::move(key));
  log::info("key generated", {{"key", to_string(made->id)}, {"label", made->label}});
  return info_of(*made);
}

/// Reads back what was asked for, and has the key sign: a token's CKR_OK is not taken for it.
Result<Key> Generation::checked_key(const Session& session, const KeyPair& pair, KeyType type) {
  const auto refuse = [](std::string_view reason) {
    return fail(Code::hsm_unavailable, fmt::format("the key that the token made is refused: {}", reason));
  };
  Key key = TRY(read_key(session, pair.private_key, pair.public_key));
  if (!key.problem.empty()) return refuse(key.problem);
  if (key.type != type) return refuse(fmt::format("it is {}, wanted {}", to_string(key.type), to_string(type)));
  if (key.grade != Grade::generated)
    return refuse("CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE and CKA_LOCAL are not all true");
  TRY(prove(key));
  return key;
}

Result<Bytes> Generation::sign(const KeyId& id, SignatureAlgorithm algorithm, ByteView message) {
  const KeyPtr key = TRY(usable_key(id, algorithm));
  return sign_with(*key, {algorithm, TRY(hash_message(algorithm, message)), message});
}

Result<Bytes> Generation::sign_digest(const KeyId& id, SignatureAlgorithm algorithm, ByteView digest) {
  const KeyPtr key = TRY(usable_key(id, algorithm));
  return sign_with(*key, {algorithm, TRY(take_digest(algorithm, digest)), std::nullopt});
}

Result<Bytes> Generation::sign_with(const Key& key, const Hashed& hashed) {
  auto signature = TRY(try_sign(key, hashed));
  if (!signature) return refuse_signature_of(key);
  return *std::move(signature);
}

tl::unexpected<Error> Generation::refuse_signature_of(const Key& key) {
  shared_.quarantine.add(key.id, key.label, kBadSignature);
  return fail(Code::hsm_unavailable,
              fmt::format("the token gave a bad signature; key {} is quarantined", to_string(key.id)));
}

/// Nothing where the signature does not verify.
Result<std::optional<Bytes>> Generation::try_sign(const Key& key, const Hashed& hashed) {
  const auto& mechanism = mechanisms_[static_cast<std::size_t>(hashed.algorithm)];
  if (!mechanism)
    return fail(Code::bad_request, fmt::format("the token does not offer {}", to_string(hashed.algorithm)));
  SessionPool::Lease lease = TRY(pool_.take(std::chrono::steady_clock::now() + shared_.config.deadline));
  const CK_OBJECT_HANDLE handle = handle_in(lease, key);
  Bytes signature = TRY(sign_raw(lease.session(), handle, key, *mechanism, hashed));

  // The session is held until its signature is known to be good: it may be the session's fault.
  Verifier& verifier = lease.slot().use_of(key.id).verifier;
  if (signature.size() != key.signature_bytes ||
      !verifier.verify(key.public_key.get(), hashed.algorithm, hashed.digest, signature))
    return std::nullopt;
  lease.keep();
  return signature;
}

CK_OBJECT_HANDLE Generation::handle_in(SessionPool::Lease& lease, const Key& key) {
  CK_OBJECT_HANDLE& handle = lease.slot().use_of(key.id).handle;
  if (handle != 0) return handle;
  std::optional<CK_OBJECT_HANDLE> copy;
  if (shared_.config.session_copies && !copies_refused_) copy = copy_into_session(lease.session(), key);
  if (shared_.config.session_copies && !copy) copies_refused_ = true;
  handle = copy.value_or(key.handle);
  return handle;
}

Result<> Generation::destroy_key(const KeyId& id, std::string_view label, const Signer::Begin& begin) {
  const std::lock_guard one_at_a_time(changing_keys_);
  // It is to prove itself here as well, and each try may cost everybody a generation.
  if (shared_.held_out.rests(id))
    return fail(Code::hsm_unavailable,
                fmt::format("key {} rests: the token was lost when it was to prove itself", to_string(id)));
  const KeyPtr known = keys_.find(id);
  Destruction destruction(cryptoki_, token_.slot, mechanisms_,
                          {.id = id, .label = std::string(label), .known = known.get()});
  const auto done = destruction.run(begin);
  if (!done && cryptoki_.lost_by(Cause::device)) shared_.held_out.add(id);
  const bool not_found = !done && done.error().code == Code::not_found;
  if (destruction.has_destroyed() || not_found) {
    keys_.remove(id);
    pool_.renew();  // with the sessions go the copies that live in them
  }
  if (not_found) TRY(check_shown_without(id));
  if (!done) return done;
  shared_.held_out.remove(id);
  keys_.forget(id);
  log::info("key destroyed", {{"key", to_string(id)}, {"label", std::string(label)}});
  return {};
}

/// One look that shows all other keys that this generation has seen, and not this one.
Result<> Generation::check_shown_without(const KeyId& id) {
  std::set<KeyId> others;
  for (const KeyPtr& other : keys_.all()) others.insert(other->id);
  keys_.miss(id);  // it is no stranger if it shows up
  for (const Key& key : TRY(look())) {
    others.erase(key.id);
    if (key.id == id)
      return fail(Code::hsm_unavailable, fmt::format("key {} was not in the token, and is there now", to_string(id)));
  }
  if (!others.empty())
    return fail(Code::hsm_unavailable,
                fmt::format("key {} does not count as destroyed: the token does not show it, nor {} of the others that "
                            "it has shown, such as {}",
                            to_string(id), others.size(), to_string(*others.begin())));
  return {};
}

Result<std::vector<Bytes>> Generation::read_data(std::string_view label) {
  const std::lock_guard one_at_a_time(changing_data_);
  const auto session = TRY(WritingSession::open(cryptoki_, token_.slot));
  return hsm::read_data(**session, label);
}

Result<std::vector<std::string>> Generation::data_labels() {
  const std::lock_guard one_at_a_time(changing_data_);
  const auto session = TRY(WritingSession::open(cryptoki_, token_.slot));
  return hsm::data_labels(**session);
}

Result<> Generation::erase_data(std::string_view label) {
  const std::lock_guard one_at_a_time(changing_data_);
  const auto session = TRY(WritingSession::open(cryptoki_, token_.slot));
  return hsm::erase_data(**session, label);
}

Result<> Generation::write_data(std::string_view label, ByteView value) {
  const std::lock_guard one_at_a_time(changing_data_);
  const auto session = TRY(WritingSession::open(cryptoki_, token_.slot));
  return hsm::write_data(**session, label, value);
}

Result<> Generation::prove_key(const KeyId& id) { return prove(*TRY(usable_key(id))); }

Result<> Generation::prove(const Key& key) {
  if (!TRY(challenge(key))) return refuse_signature_of(key);
  return {};
}

/// Whether its signature verifies. Session, login or token may go at any moment; that is no key's fault.
Result<bool> Generation::challenge(const Key& key) {
  const SignatureAlgorithm algorithm = proof_algorithm(key.type);
  const auto message = TRY(make_challenge());
  const auto signature = try_sign(key, {algorithm, TRY(hash_message(algorithm, message)), message});
  if (signature)
    shared_.held_out.remove(key.id);
  else if (cryptoki_.lost_by(Cause::device))
    shared_.held_out.add(key.id);
  return TRY(signature).has_value();
}

}  // namespace hubseal::hsm
