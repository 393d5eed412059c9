#include "cli/ceremony/transcript.h"

#include "common/bytes.h"
#include "common/key_types.h"
#include "common/version.h"

namespace hubseal::cli {
namespace {

Json request_of(const CeremonyStep& step) {
  Json request = {{"op", step.operation}};
  request.update(step.fields);
  return request;
}

}  // namespace

std::string line_hash(std::string_view line) { return to_hex(sha256(as_bytes(line))); }

std::string no_line() { return std::string(64, '0'); }

bool asks_for(const Json& request, const CeremonyStep& step) { return request == request_of(step); }

Json header_line(const Script& script, const Room& room, const std::string& time, std::uint32_t uid) {
  return {{"line", "begin"},
          {"version", kTranscriptVersion},
          {"text", script.text},
          {"sha256", script.sha256},
          {"hubseal", kVersion},
          {"daemon",
           {{"version", room.version},
            {"instance", room.instance},
            {"token", room.token},
            {"token_serial", room.token_serial}}},
          {"time", time},
          {"uid", uid}};
}

Json asked_line(std::size_t number, const CeremonyStep& step, const Asked& asked, const std::string& time) {
  return {{"line", "asked"},          {"n", number},  {"request", request_of(step)},
          {"records", asked.records}, {"time", time}, {"uid", asked.uid}};
}

Json done_line(std::size_t number, const CeremonyStep& step, const Json& reply, std::uint64_t record,
               const std::string& time) {
  return {{"line", "done"}, {"n", number},      {"request", request_of(step)},
          {"reply", reply}, {"record", record}, {"time", time}};
}

Json refused_line(std::size_t number, const Error& error, const std::string& time) {
  Json line = {{"line", "refused"}, {"n", number}, {"code", to_string(error.code)}, {"message", error.message}};
  if (!error.approval.empty()) line["approval"] = error.approval;
  line["time"] = time;
  return line;
}

Json evidence_line(const Evidence& evidence) {
  return {{"line", "evidence"},
          {"note", evidence.note},
          {"public_key", evidence.public_key},
          {"records", evidence.records},
          {"proofs", evidence.proofs}};
}

Json end_line() { return {{"line", "end"}}; }

}  // namespace hubseal::cli
