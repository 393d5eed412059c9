#include "hsm/data_object.h"

namespace hubseal::hsm {
namespace {

constexpr CK_OBJECT_CLASS kData = CKO_DATA;
constexpr std::string_view kApplication = "hubseal";

Result<std::vector<CK_OBJECT_HANDLE>> find_data(const Session& session, std::string_view label) {
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kData), attribute(CKA_TOKEN, kTrue), attribute(CKA_PRIVATE, kTrue),
                           attribute(CKA_LABEL, as_bytes(label))};
  return find_objects(session, wanted);
}

}  // namespace

Result<std::vector<Bytes>> read_data(const Session& session, std::string_view label) {
  std::vector<Bytes> values;
  for (const CK_OBJECT_HANDLE object : TRY(find_data(session, label))) {
    auto value = TRY(read_attribute(session, object, CKA_VALUE));
    if (value) values.push_back(*std::move(value));
  }
  return values;
}

Result<std::vector<std::string>> data_labels(const Session& session) {
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kData), attribute(CKA_TOKEN, kTrue), attribute(CKA_PRIVATE, kTrue),
                           attribute(CKA_APPLICATION, as_bytes(kApplication))};
  std::vector<std::string> labels;
  for (const CK_OBJECT_HANDLE object : TRY(find_objects(session, wanted)))
    if (const auto label = TRY(read_attribute(session, object, CKA_LABEL))) labels.emplace_back(as_text(*label));
  return labels;
}

Result<> erase_data(const Session& session, std::string_view label) {
  for (const CK_OBJECT_HANDLE object : TRY(find_data(session, label)))
    TRY(session.cryptoki.check(session.cryptoki->C_DestroyObject(session.handle, object), "C_DestroyObject"));
  return {};
}

Result<> write_data(const Session& session, std::string_view label, ByteView value) {
  const auto older = TRY(find_data(session, label));
  CK_ATTRIBUTE wanted[] = {attribute(CKA_CLASS, kData),           attribute(CKA_TOKEN, kTrue),
                           attribute(CKA_PRIVATE, kTrue),         attribute(CKA_APPLICATION, as_bytes(kApplication)),
                           attribute(CKA_LABEL, as_bytes(label)), attribute(CKA_VALUE, value)};
  CK_OBJECT_HANDLE made = 0;
  TRY(session.cryptoki.check(session.cryptoki->C_CreateObject(session.handle, wanted, std::size(wanted), &made),
                             "C_CreateObject"));
  for (const CK_OBJECT_HANDLE object : older)
    TRY(session.cryptoki.check(session.cryptoki->C_DestroyObject(session.handle, object), "C_DestroyObject"));
  return {};
}

}  // namespace hubseal::hsm
