#include "cli/ceremony/proven_step.h"

#include <fmt/format.h>

#include "cli/session.h"
#include "cli/subject.h"
#include "common/key_types.h"

namespace hubseal::cli {

tl::unexpected<Error> wrong(std::string problem) { return fail(Code::policy_denied, std::move(problem)); }

Result<> must_be(const Json& answer, const char* member, const std::string& wanted) {
  if (text_of(answer, member) == wanted) return {};
  return wrong(fmt::format("{} of the answer is {}, not {}", member, text_of(answer, member), wanted));
}

Result<> same_as_record(const ProvenStep& step, std::initializer_list<const char*> members) {
  for (const char* member : members)
    if (member_of(step.reply, member) != member_of(step.record, member))
      return wrong(fmt::format("{} of the answer is {}, of the audit record {}", member, text_of(step.reply, member),
                               text_of(step.record, member)));
  return {};
}

Result<> must_hash_to(const ProvenStep& step, const Bytes& der, const char* member) {
  if (to_hex(sha256(der)) == text_of(step.record, member)) return {};
  return wrong(fmt::format("the {} is another one than the audit record says",
                           member == std::string_view("csr_sha256") ? "request" : "certificate"));
}

Result<> check_name(const Json& request, const std::string& found) {
  // Two maps without an order, for the comparison only.
  const nlohmann::json name = found.empty() ? Json::object() : TRY(parse_subject(found));
  if (name == nlohmann::json(request["subject"])) return {};
  return wrong(fmt::format("the certificate is for {}", found));
}

Result<> check_own_key(const Transcript& transcript, const std::string& label, const std::string& key_id) {
  for (std::size_t i = 0; i < transcript.done.size(); ++i) {
    const CeremonyStep& step = transcript.script.steps[i];
    if ((step.operation != "create_key" && step.operation != "create_csr") || step.about != label) continue;
    if (text_of(transcript.done[i].reply, "key_id") != key_id)
      return wrong(fmt::format("it is about another key than the {} that was made before", label));
  }
  return {};
}

}  // namespace hubseal::cli
