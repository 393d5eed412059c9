"""Asks a PKCS#11 module for the secret part of every private key of a logged-in token, as a thief would,
and prints the return codes. pkcs11-tool has no such command.

    read_private_value.py MODULE LABEL PIN
"""

import ctypes
import sys

CKA_CLASS, CKA_VALUE, CKA_PRIVATE_EXPONENT, CKO_PRIVATE_KEY = 0x0, 0x11, 0x123, 3
NAMES = {0x0: "CKR_OK", 0x11: "CKR_ATTRIBUTE_SENSITIVE", 0x12: "CKR_ATTRIBUTE_TYPE_INVALID"}
ulong = ctypes.c_ulong


class Attribute(ctypes.Structure):
    _fields_ = [("type", ulong), ("value", ctypes.c_void_p), ("size", ulong)]


def must(code):
    if code != 0:
        sys.exit(f"return code {code:#x}")


def find_slot(module, label):
    count = ulong(16)
    slots = (ulong * 16)()
    must(module.C_GetSlotList(ctypes.c_ubyte(1), slots, ctypes.byref(count)))
    for slot in slots[:count.value]:
        info = ctypes.create_string_buffer(512)
        must(module.C_GetTokenInfo(ulong(slot), info))
        if info.raw[:32].decode().rstrip() == label:
            return slot
    sys.exit("no such token")


def main(path, label, pin):
    module = ctypes.CDLL(path)
    must(module.C_Initialize(None))
    session = ulong()
    must(module.C_OpenSession(ulong(find_slot(module, label)), ulong(4), None, None, ctypes.byref(session)))
    must(module.C_Login(session, ulong(1), pin.encode(), ulong(len(pin))))
    wanted = ulong(CKO_PRIVATE_KEY)
    template = Attribute(CKA_CLASS, ctypes.cast(ctypes.byref(wanted), ctypes.c_void_p), ctypes.sizeof(wanted))
    must(module.C_FindObjectsInit(session, ctypes.byref(template), ulong(1)))
    keys, found = (ulong * 64)(), ulong()
    must(module.C_FindObjects(session, keys, ulong(64), ctypes.byref(found)))
    must(module.C_FindObjectsFinal(session))
    for key in keys[:found.value]:
        for attribute in (CKA_VALUE, CKA_PRIVATE_EXPONENT):
            buffer = ctypes.create_string_buffer(4096)
            asked = Attribute(attribute, ctypes.cast(buffer, ctypes.c_void_p), 4096)
            code = module.C_GetAttributeValue(session, ulong(key), ctypes.byref(asked), ulong(1))
            print(NAMES.get(code, hex(code)))


main(*sys.argv[1:])
