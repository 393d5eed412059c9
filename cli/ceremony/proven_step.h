/// What answers of every kind are held to. Errors: policy_denied.
#pragma once

#include <initializer_list>
#include <string>

#include "cli/ceremony/transcript.h"
#include "common/bytes.h"

namespace hubseal::cli {

/// A step that was done, and the record of the log that is proven to be its own.
struct ProvenStep {
  const Transcript& transcript;
  std::size_t index;
  const Json& request;
  const Json& reply;
  const Json& record;
};

tl::unexpected<Error> wrong(std::string problem);
/// A member of the answer, in one word.
Result<> must_be(const Json& answer, const char* member, const std::string& wanted);
/// Members that stand in the record as well as in the answer.
Result<> same_as_record(const ProvenStep& step, std::initializer_list<const char*> members);
/// The hash in the record of what the answer holds.
Result<> must_hash_to(const ProvenStep& step, const Bytes& der, const char* member);
/// The name that was asked for is the one that was found.
Result<> check_name(const Json& request, const std::string& found);
/// Where this ceremony made the key of that label, it is this one.
Result<> check_own_key(const Transcript& transcript, const std::string& label, const std::string& key_id);

}  // namespace hubseal::cli
