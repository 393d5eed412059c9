#include "cli/ceremony/ca_step_decoders.h"

#include "cli/subject.h"
#include "common/x509/chain.h"

namespace hubseal::cli {
namespace {

constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxCertificate = 64 * 1024, kMaxCrl = 768 * 1024;
constexpr std::array<std::pair<std::string_view, std::string_view>, 2> kForms = {{{"root", "root"}, {"csr", "csr"}}};

Result<> copy_names(Fields& fields, Json& request, std::initializer_list<const char*> members) {
  for (const char* member : members) request[member] = TRY(fields.name(member, kMaxName));
  return {};
}

Result<std::string> certificate(Fields& fields) {
  std::string pem = TRY(fields.text("certificate", kMaxCertificate));
  TRY(x509::Certificate::parse(pem));
  return pem;
}

Result<std::string> chain(Fields& fields) {
  std::string pem = TRY(fields.text("chain", x509::kMaxChainPem));
  TRY(x509::parse_chain(pem));
  return pem;
}

}  // namespace

Result<Json> decode_create_ca(Fields& fields) {
  Json request;
  TRY(copy_names(fields, request, {"ca", "key", "profile"}));
  request["subject"] = TRY(parse_subject(TRY(fields.text("subject", kMaxText))));
  if (fields.has("form")) request["form"] = std::string(TRY(fields.choice("form", kForms)));
  return request;
}

Result<Json> decode_install_ca(Fields& fields) {
  Json request;
  TRY(copy_names(fields, request, {"ca"}));
  request["certificate"] = TRY(certificate(fields));
  request["chain"] = TRY(chain(fields));
  return request;
}

Result<Json> decode_import_ca(Fields& fields) {
  Json request;
  TRY(copy_names(fields, request, {"ca", "key", "profile"}));
  request["certificate"] = TRY(certificate(fields));
  if (fields.has("chain")) request["chain"] = TRY(chain(fields));
  if (const auto crl = TRY(fields.optional_text("crl", kMaxCrl))) request["crl"] = *crl;
  if (TRY(fields.boolean_or("no_crl", false))) request["no_crl"] = true;
  if (request.contains("crl") == request.contains("no_crl"))
    return fail(Code::bad_request, "wanted either \"crl\", its newest one, or no_crl = true, where it never had one");
  return request;
}

Result<Json> decode_cross_certify(Fields& fields) {
  Json request;
  TRY(copy_names(fields, request, {"ca", "by"}));
  if (request["ca"] == request["by"]) return fail(Code::bad_request, "\"ca\" and \"by\" are the same; wanted two CAs");
  return request;
}

Result<Json> decode_retire_ca(Fields& fields) {
  Json request;
  TRY(copy_names(fields, request, {"ca"}));
  if (fields.has("successor")) TRY(copy_names(fields, request, {"successor"}));
  if (TRY(fields.boolean_or("last", false))) request["last"] = true;
  if (request.contains("successor") == request.contains("last"))
    return fail(Code::bad_request,
                "wanted either \"successor\", the CA that issues instead, or last = true, where none is to");
  return request;
}

}  // namespace hubseal::cli
