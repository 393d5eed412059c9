#include "agent/service/key_publication.h"

#include "common/log.h"

namespace hubseal::agent {

Result<publish::KeyFolder::Changes> KeyPublication::publish() {
  publish::KeyFiles files;
  // Who knows one key of each participant has the newest, as in the list that participants get (HubJwsKey::known).
  for (const VerificationKeys::Owner& owner : TRY(keys_.all())) files[owner.id] = owner.keys.back().pem;
  return folder_.hold(files);
}

void KeyPublication::look() {
  const auto changes = publish();
  if (!changes && !failed_)
    log::warning("the folder of verification keys is not brought up to date", {{"problem", changes.error().message}});
  if (changes && failed_) log::info("the folder of verification keys is up to date again");
  failed_ = !changes;
  if (changes && changes->written + changes->removed > 0)
    log::info("verification keys published",
              {{"written", std::to_string(changes->written)}, {"removed", std::to_string(changes->removed)}});
}

}  // namespace hubseal::agent
