#include "pkcs11/functions.h"

#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "pkcs11/library.h"

namespace hubseal::pkcs11 {
namespace {

constexpr CK_SLOT_ID kSlot = 0;

/// A thread that its program cancels unwinds its stack, which ends the whole program at the first function that lets
/// nothing pass. So it ends once it is out of here.
class NotCancelled {
 public:
  NotCancelled() { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCancelled() { ::pthread_setcancelstate(before_, nullptr); }
  NotCancelled(const NotCancelled&) = delete;  // what was before is put back once
  NotCancelled& operator=(const NotCancelled&) = delete;

 private:
  int before_ = PTHREAD_CANCEL_ENABLE;
};

/// No exception leaves the module: whoever loaded it may be C or Java.
template <class Work>
CK_RV guarded(Work work) noexcept {
  const NotCancelled here;
  try {
    return Library::instance().is_initialized() ? work(Library::instance()) : CKR_CRYPTOKI_NOT_INITIALIZED;
  } catch (const std::bad_alloc&) {
    return CKR_HOST_MEMORY;
  } catch (...) {
    return CKR_GENERAL_ERROR;
  }
}

/// What the caller is told in place of hubseald's words; those are in its audit log.
CK_RV return_value(const Error& error) {
  switch (error.code) {
    case Code::bad_request:
    case Code::too_large: return CKR_DATA_INVALID;
    case Code::forbidden:
    case Code::not_found:
    case Code::conflict:
    case Code::policy_denied:
    case Code::approval_required: return CKR_KEY_FUNCTION_NOT_PERMITTED;
    case Code::hsm_busy:
    case Code::rate_limited:
    case Code::sealed: return CKR_FUNCTION_FAILED;
    case Code::hsm_unavailable:
    case Code::storage_unavailable: return CKR_DEVICE_ERROR;
    case Code::internal: return CKR_GENERAL_ERROR;
  }
  return CKR_GENERAL_ERROR;
}

/// Blank-padded, without a NUL, as fields of PKCS#11 are.
template <std::size_t size>
void fill(unsigned char (&field)[size], std::string_view text) {
  std::fill(std::begin(field), std::end(field), static_cast<unsigned char>(' '));
  std::copy_n(text.begin(), std::min(text.size(), size), field);
}

/// The protocol of lists: without room the number is told.
template <class Item>
CK_RV give_list(std::span<const Item> items, Item* into, CK_ULONG* count) {
  if (!count) return CKR_ARGUMENTS_BAD;
  const CK_ULONG room = std::exchange(*count, items.size());
  if (!into) return CKR_OK;
  if (room < items.size()) return CKR_BUFFER_TOO_SMALL;
  std::copy(items.begin(), items.end(), into);
  return CKR_OK;
}

CK_RV initialize(void* arguments) noexcept {
  // Threads are ours to begin with; who wants its own mutexes used, and not those of the system, is refused.
  if (const auto* given = static_cast<const CK_C_INITIALIZE_ARGS*>(arguments)) {
    if (given->pReserved) return CKR_ARGUMENTS_BAD;
    if (given->CreateMutex && (given->flags & CKF_OS_LOCKING_OK) == 0) return CKR_CANT_LOCK;
  }
  try {
    return Library::instance().initialize();
  } catch (...) {
    return CKR_HOST_MEMORY;
  }
}

CK_RV finalize(void* reserved) noexcept {
  if (reserved) return CKR_ARGUMENTS_BAD;
  return guarded([](Library& library) { return library.finalize(); });
}

CK_RV get_info(CK_INFO* info) noexcept {
  return guarded([&](Library&) -> CK_RV {
    if (!info) return CKR_ARGUMENTS_BAD;
    *info = {};
    info->cryptokiVersion = {2, 40};
    fill(info->manufacturerID, "HubSeal");
    fill(info->libraryDescription, "The hub's TLS keys");
    info->libraryVersion = {HUBSEAL_VERSION_MAJOR, HUBSEAL_VERSION_MINOR};
    return CKR_OK;
  });
}

CK_RV get_function_list(CK_FUNCTION_LIST** list) noexcept {
  if (!list) return CKR_ARGUMENTS_BAD;
  *list = function_list();
  return CKR_OK;
}

CK_RV get_slot_list(CK_BBOOL, CK_SLOT_ID* slots, CK_ULONG* count) noexcept {
  return guarded([&](Library&) { return give_list(std::span(&kSlot, 1), slots, count); });
}

/// hubseald is not asked: a slot that comes and goes is for cards, and a gateway would forget its keys.
CK_RV get_slot_info(CK_SLOT_ID slot, CK_SLOT_INFO* info) noexcept {
  return guarded([&](Library&) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    if (!info) return CKR_ARGUMENTS_BAD;
    *info = {};
    fill(info->slotDescription, "hubseald, over tls.sock");
    fill(info->manufacturerID, "HubSeal");
    info->flags = CKF_TOKEN_PRESENT;
    return CKR_OK;
  });
}

CK_RV get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO* info) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    if (!info) return CKR_ARGUMENTS_BAD;
    const auto label = token_label();
    if (!label) return CKR_TOKEN_NOT_PRESENT;  // which leaves other modules of the same process alone
    *info = {};
    fill(info->label, *label);
    fill(info->manufacturerID, "HubSeal");
    fill(info->model, "hubseald");
    fill(info->serialNumber, "");
    fill(info->utcTime, "");
    info->flags = CKF_TOKEN_INITIALIZED | CKF_WRITE_PROTECTED;
    info->ulMaxSessionCount = Library::kMostSessions;
    info->ulSessionCount = library.open_sessions();
    info->ulTotalPublicMemory = info->ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION;
    info->ulTotalPrivateMemory = info->ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION;
    return CKR_OK;
  });
}

CK_RV get_mechanism_list(CK_SLOT_ID slot, CK_MECHANISM_TYPE* list, CK_ULONG* count) noexcept {
  return guarded([&](Library&) { return slot == kSlot ? give_list(mechanisms(), list, count) : CKR_SLOT_ID_INVALID; });
}

CK_RV get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO* info) noexcept {
  return guarded([&](Library&) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    const auto known = mechanism_info(type);
    if (!known) return CKR_MECHANISM_INVALID;
    if (!info) return CKR_ARGUMENTS_BAD;
    *info = *known;
    return CKR_OK;
  });
}

CK_RV open_session(CK_SLOT_ID slot, CK_FLAGS flags, void*, CK_NOTIFY, CK_SESSION_HANDLE* session) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    if (!session) return CKR_ARGUMENTS_BAD;
    if ((flags & CKF_SERIAL_SESSION) == 0) return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
    if ((flags & CKF_RW_SESSION) != 0) return CKR_TOKEN_WRITE_PROTECTED;
    return library.open_session(*session);
  });
}

CK_RV close_session(CK_SESSION_HANDLE session) noexcept {
  return guarded([&](Library& library) { return library.close_session(session); });
}

CK_RV close_all_sessions(CK_SLOT_ID slot) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    if (slot != kSlot) return CKR_SLOT_ID_INVALID;
    library.close_all_sessions();
    return CKR_OK;
  });
}

CK_RV get_session_info(CK_SESSION_HANDLE session, CK_SESSION_INFO* info) noexcept {
  return guarded([&](Library& library) {
    return library.with_session(session, [&](Session&) -> CK_RV {
      if (!info) return CKR_ARGUMENTS_BAD;
      *info = {kSlot, CKS_RO_PUBLIC_SESSION, CKF_SERIAL_SESSION, 0};
      return CKR_OK;
    });
  });
}

CK_RV get_attribute_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE handle, CK_ATTRIBUTE* attributes,
                          CK_ULONG count) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    if (const CK_RV bad = library.with_session(session, [](Session&) { return CK_RV{CKR_OK}; })) return bad;
    const ObjectPtr object = library.object(handle);
    if (!object) return CKR_OBJECT_HANDLE_INVALID;
    if (!attributes && count != 0) return CKR_ARGUMENTS_BAD;
    CK_RV worst = CKR_OK;  // each attribute is looked at, whatever the others are
    for (CK_ATTRIBUTE& attribute : std::span(attributes, count))
      if (const CK_RV value = object->read(attribute); value != CKR_OK) worst = value;
    return worst;
  });
}

CK_RV find_objects_init(CK_SESSION_HANDLE session, CK_ATTRIBUTE* wanted, CK_ULONG count) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    const std::span<const CK_ATTRIBUTE> attributes(wanted, wanted ? count : 0);
    const bool unsound = std::any_of(attributes.begin(), attributes.end(),
                                     [](const CK_ATTRIBUTE& one) { return one.ulValueLen != 0 && !one.pValue; });
    if ((!wanted && count != 0) || unsound) return CKR_ARGUMENTS_BAD;
    if (const CK_RV bad = library.with_session(
            session, [](Session& own) { return CK_RV{own.found ? CKR_OPERATION_ACTIVE : CKR_OK}; }))
      return bad;
    auto found = library.search(attributes);
    if (!found) return return_value(found.error());
    return library.with_session(session, [&](Session& own) -> CK_RV {
      own.found = *std::move(found);
      return CKR_OK;
    });
  });
}

CK_RV find_objects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE* objects, CK_ULONG room, CK_ULONG* count) noexcept {
  return guarded([&](Library& library) {
    return library.with_session(session, [&](Session& own) -> CK_RV {
      if (!own.found) return CKR_OPERATION_NOT_INITIALIZED;
      if (!count || (!objects && room != 0)) return CKR_ARGUMENTS_BAD;
      const auto given = static_cast<std::ptrdiff_t>(std::min<std::size_t>(room, own.found->size()));
      std::copy_n(own.found->begin(), given, objects);
      own.found->erase(own.found->begin(), own.found->begin() + given);
      *count = static_cast<CK_ULONG>(given);
      return CKR_OK;
    });
  });
}

CK_RV find_objects_final(CK_SESSION_HANDLE session) noexcept {
  return guarded([&](Library& library) {
    return library.with_session(session, [](Session& own) -> CK_RV {
      if (!own.found) return CKR_OPERATION_NOT_INITIALIZED;
      own.found.reset();
      return CKR_OK;
    });
  });
}

CK_RV sign_init(CK_SESSION_HANDLE session, CK_MECHANISM* mechanism, CK_OBJECT_HANDLE handle) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    const ObjectPtr key = library.object(handle);
    return library.with_session(session, [&](Session& own) -> CK_RV {
      if (own.signing) return CKR_OPERATION_ACTIVE;
      if (!mechanism) return CKR_ARGUMENTS_BAD;
      if (!key) return CKR_KEY_HANDLE_INVALID;
      if (!key->is_private_key()) return CKR_KEY_FUNCTION_NOT_PERMITTED;
      own.key = key;
      return Signing::begin(*mechanism, key->type(), own.signing);
    });
  });
}

CK_RV sign(CK_SESSION_HANDLE session, CK_BYTE* data, CK_ULONG size, CK_BYTE* signature, CK_ULONG* room) noexcept {
  return guarded([&](Library& library) -> CK_RV {
    std::optional<Signing> signing;
    ObjectPtr key;
    // Who asks how long it will be, or has too little room, asks again; after everything else it is over.
    const CK_RV begun = library.with_session(session, [&](Session& own) -> CK_RV {
      if (!own.signing) return CKR_OPERATION_NOT_INITIALIZED;
      if (room && (!signature || *room < own.signing->signature_bytes())) {
        *room = own.signing->signature_bytes();
        return signature ? CKR_BUFFER_TOO_SMALL : CKR_OK;
      }
      signing = std::exchange(own.signing, std::nullopt);
      key = std::exchange(own.key, nullptr);
      return CKR_OK;
    });
    if (!signing) return begun;
    if (!room || (!data && size != 0)) return CKR_ARGUMENTS_BAD;
    const auto wanted = signing->wanted(ByteView(data, size));
    if (!wanted) return CKR_DATA_INVALID;
    const auto made = hubseal::pkcs11::sign(key->label(), wanted->algorithm, wanted->digest);
    if (!made) return return_value(made.error());
    if (made->size() != signing->signature_bytes()) return CKR_GENERAL_ERROR;
    std::copy(made->begin(), made->end(), signature);
    *room = made->size();
    return CKR_OK;
  });
}

/// Stands for every function that there is not.
template <class... Arguments>
CK_RV unsupported(Arguments...) noexcept {
  return CKR_FUNCTION_NOT_SUPPORTED;
}
template <class... Arguments>
CK_RV not_parallel(Arguments...) noexcept {
  return CKR_FUNCTION_NOT_PARALLEL;
}

CK_FUNCTION_LIST functions = {
    .version = {2, 40},
    .C_Initialize = initialize,
    .C_Finalize = finalize,
    .C_GetInfo = get_info,
    .C_GetFunctionList = get_function_list,
    .C_GetSlotList = get_slot_list,
    .C_GetSlotInfo = get_slot_info,
    .C_GetTokenInfo = get_token_info,
    .C_GetMechanismList = get_mechanism_list,
    .C_GetMechanismInfo = get_mechanism_info,
    .C_InitToken = unsupported,
    .C_InitPIN = unsupported,
    .C_SetPIN = unsupported,
    .C_OpenSession = open_session,
    .C_CloseSession = close_session,
    .C_CloseAllSessions = close_all_sessions,
    .C_GetSessionInfo = get_session_info,
    .C_GetOperationState = unsupported,
    .C_SetOperationState = unsupported,
    .C_Login = unsupported,
    .C_Logout = unsupported,
    .C_CreateObject = unsupported,
    .C_CopyObject = unsupported,
    .C_DestroyObject = unsupported,
    .C_GetObjectSize = unsupported,
    .C_GetAttributeValue = get_attribute_value,
    .C_SetAttributeValue = unsupported,
    .C_FindObjectsInit = find_objects_init,
    .C_FindObjects = find_objects,
    .C_FindObjectsFinal = find_objects_final,
    .C_EncryptInit = unsupported,
    .C_Encrypt = unsupported,
    .C_EncryptUpdate = unsupported,
    .C_EncryptFinal = unsupported,
    .C_DecryptInit = unsupported,
    .C_Decrypt = unsupported,
    .C_DecryptUpdate = unsupported,
    .C_DecryptFinal = unsupported,
    .C_DigestInit = unsupported,
    .C_Digest = unsupported,
    .C_DigestUpdate = unsupported,
    .C_DigestKey = unsupported,
    .C_DigestFinal = unsupported,
    .C_SignInit = sign_init,
    .C_Sign = sign,
    .C_SignUpdate = unsupported,
    .C_SignFinal = unsupported,
    .C_SignRecoverInit = unsupported,
    .C_SignRecover = unsupported,
    .C_VerifyInit = unsupported,
    .C_Verify = unsupported,
    .C_VerifyUpdate = unsupported,
    .C_VerifyFinal = unsupported,
    .C_VerifyRecoverInit = unsupported,
    .C_VerifyRecover = unsupported,
    .C_DigestEncryptUpdate = unsupported,
    .C_DecryptDigestUpdate = unsupported,
    .C_SignEncryptUpdate = unsupported,
    .C_DecryptVerifyUpdate = unsupported,
    .C_GenerateKey = unsupported,
    .C_GenerateKeyPair = unsupported,
    .C_WrapKey = unsupported,
    .C_UnwrapKey = unsupported,
    .C_DeriveKey = unsupported,
    .C_SeedRandom = unsupported,
    .C_GenerateRandom = unsupported,
    .C_GetFunctionStatus = not_parallel,
    .C_CancelFunction = not_parallel,
    .C_WaitForSlotEvent = unsupported,
};

}  // namespace

CK_FUNCTION_LIST* function_list() { return &functions; }

}  // namespace hubseal::pkcs11
