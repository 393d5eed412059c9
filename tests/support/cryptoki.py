"""A PKCS#11 module as a program in C sees it: its function list, by ctypes. As much of it as tests want."""

import ctypes

ULONG = ctypes.c_ulong
CKR = {0x0: "OK", 0x5: "GENERAL_ERROR", 0x6: "FUNCTION_FAILED", 0x7: "ARGUMENTS_BAD", 0xA: "CANT_LOCK", 0x11: "ATTRIBUTE_SENSITIVE",
       0x12: "ATTRIBUTE_TYPE_INVALID", 0x20: "DATA_INVALID", 0x30: "DEVICE_ERROR", 0x54: "FUNCTION_NOT_SUPPORTED",
       0x60: "KEY_HANDLE_INVALID", 0x63: "KEY_TYPE_INCONSISTENT", 0x68: "KEY_FUNCTION_NOT_PERMITTED", 0x70: "MECHANISM_INVALID",
       0x71: "MECHANISM_PARAM_INVALID", 0x82: "OBJECT_HANDLE_INVALID", 0x90: "OPERATION_ACTIVE", 0x91: "OPERATION_NOT_INITIALIZED",
       0xB1: "SESSION_COUNT", 0xB3: "SESSION_HANDLE_INVALID", 0xB4: "SESSION_PARALLEL_NOT_SUPPORTED", 0xE0: "TOKEN_NOT_PRESENT",
       0xE2: "TOKEN_WRITE_PROTECTED", 0x150: "BUFFER_TOO_SMALL", 0x190: "CRYPTOKI_NOT_INITIALIZED", 0x191: "CRYPTOKI_ALREADY_INITIALIZED"}
CKA_CLASS, CKA_VALUE, CKA_LABEL, CKA_ID, CKA_PRIVATE_EXPONENT, CKA_MODULUS = 0x0, 0x11, 0x3, 0x102, 0x123, 0x120
CKO_CERTIFICATE, CKO_PUBLIC_KEY, CKO_PRIVATE_KEY = 1, 2, 3
CKM_RSA_PKCS, CKM_RSA_X_509, CKM_RSA_PKCS_PSS, CKM_ECDSA = 0x1, 0x3, 0xD, 0x1041
HASHES = {"sha1": (0x220, 1), "sha256": (0x250, 2), "sha384": (0x260, 3), "sha512": (0x270, 4)}  # CKM, CKG_MGF1

NAMES = """Initialize Finalize GetInfo GetFunctionList GetSlotList GetSlotInfo GetTokenInfo GetMechanismList GetMechanismInfo
InitToken InitPIN SetPIN OpenSession CloseSession CloseAllSessions GetSessionInfo GetOperationState SetOperationState Login Logout
CreateObject CopyObject DestroyObject GetObjectSize GetAttributeValue SetAttributeValue FindObjectsInit FindObjects
FindObjectsFinal EncryptInit Encrypt EncryptUpdate EncryptFinal DecryptInit Decrypt DecryptUpdate DecryptFinal DigestInit Digest
DigestUpdate DigestKey DigestFinal SignInit Sign SignUpdate SignFinal SignRecoverInit SignRecover VerifyInit Verify VerifyUpdate
VerifyFinal VerifyRecoverInit VerifyRecover DigestEncryptUpdate DecryptDigestUpdate SignEncryptUpdate DecryptVerifyUpdate
GenerateKey GenerateKeyPair WrapKey UnwrapKey DeriveKey SeedRandom GenerateRandom GetFunctionStatus CancelFunction
WaitForSlotEvent""".split()


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("size", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ULONG), ("parameter", ctypes.c_void_p), ("size", ULONG)]


class Pss(ctypes.Structure):
    _fields_ = [("hash", ULONG), ("mask", ULONG), ("salt", ULONG)]


class FunctionList(ctypes.Structure):
    _fields_ = [("version", ctypes.c_ubyte * 2), *((name, ctypes.c_void_p) for name in NAMES)]


class No(Exception):
    """What the module answered, without its CKR_."""


def pss(hashed, salt=None, mask=None):
    mechanism, own_mask = HASHES[hashed]
    sizes = {"sha1": 20, "sha256": 32, "sha384": 48, "sha512": 64}
    return Pss(mechanism, HASHES[mask][1] if mask else own_mask, sizes[hashed] if salt is None else salt)


class Module:
    def __init__(self, path):
        self.library = ctypes.CDLL(str(path))
        listed = ctypes.POINTER(FunctionList)()
        assert self.library.C_GetFunctionList(ctypes.byref(listed)) == 0
        self.functions = listed.contents

    def ask(self, name, *arguments):
        """The name of what it returned."""
        function = ctypes.CFUNCTYPE(ULONG, *[ULONG if isinstance(a, int) else ctypes.c_void_p for a in arguments])
        passed = [a if a is None or isinstance(a, int) else ctypes.cast(a, ctypes.c_void_p) for a in arguments]
        value = function(getattr(self.functions, name))(*passed)
        return CKR.get(value, hex(value))

    def must(self, name, *arguments):
        if (said := self.ask(name, *arguments)) != "OK":
            raise No(said)

    def open(self, flags=4):
        session = ULONG()
        self.must("OpenSession", 0, flags, None, None, ctypes.byref(session))
        return session.value

    def find(self, session, **wanted):
        """Handles of the objects of this class and label."""
        values = {"kind": (CKA_CLASS, ULONG), "label": (CKA_LABEL, None)}
        kept, attributes = [], (Attribute * len(wanted))()
        for place, (name, value) in enumerate(wanted.items()):
            type_, form = values[name]
            held = form(value) if form else ctypes.create_string_buffer(value.encode(), len(value))
            kept.append(held)
            attributes[place] = Attribute(type_, ctypes.addressof(held), ctypes.sizeof(held))
        self.must("FindObjectsInit", session, attributes, len(wanted))
        found, count = (ULONG * 512)(), ULONG()
        self.must("FindObjects", session, found, 512, ctypes.byref(count))
        self.must("FindObjectsFinal", session)
        return list(found[:count.value])

    def read(self, session, handle, type_):
        one = (Attribute * 1)(Attribute(type_, None, 0))
        self.must("GetAttributeValue", session, handle, one, 1)
        held = ctypes.create_string_buffer(max(one[0].size, 1))
        one[0].value = ctypes.addressof(held)
        self.must("GetAttributeValue", session, handle, one, 1)
        return held.raw[:one[0].size]

    def sign(self, session, handle, mechanism, data, parameter=None, room=512):
        wanted = Mechanism(mechanism, ctypes.addressof(parameter) if parameter else None, ctypes.sizeof(parameter) if parameter else 0)
        self.must("SignInit", session, ctypes.byref(wanted), handle)
        signature, size = ctypes.create_string_buffer(512), ULONG(room)
        self.must("Sign", session, ctypes.create_string_buffer(data, max(len(data), 1)), len(data), signature, ctypes.byref(size))
        return signature.raw[:size.value]
