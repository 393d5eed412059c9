"""A gateway's side of onboarding: PKCS#11 URIs as p11-kit reads them, and a Vault's key-value store (version 1) that
remembers what was put and can be told to refuse, to be silent and to talk too much."""

import ctypes
import json

from agent_loopback import LoopbackServer

CKA_CLASS, CKA_LABEL, CKO_PRIVATE_KEY = 0, 3, 3
P11_KIT_URI_FOR_ANY = 0xFFFF


class Attribute(ctypes.Structure):
    _fields_ = [("type", ctypes.c_ulong), ("value", ctypes.c_void_p), ("length", ctypes.c_ulong)]


def read_uri(text):
    """What p11-kit understands: the token's label, and the object's class and label."""
    kit = ctypes.CDLL("libp11-kit.so.0")
    kit.p11_kit_uri_new.restype = kit.p11_kit_uri_get_token_info.restype = ctypes.c_void_p
    kit.p11_kit_uri_get_attribute.restype = ctypes.POINTER(Attribute)
    kit.p11_kit_uri_get_attribute.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    kit.p11_kit_uri_parse.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
    kit.p11_kit_uri_get_token_info.argtypes = kit.p11_kit_uri_free.argtypes = [ctypes.c_void_p]
    uri = kit.p11_kit_uri_new()
    try:
        if kit.p11_kit_uri_parse(text.encode(), P11_KIT_URI_FOR_ANY, uri) != 0:
            raise AssertionError("p11-kit cannot read " + text)
        found = {"token": ctypes.string_at(kit.p11_kit_uri_get_token_info(uri), 32).decode().rstrip(" ")}
        kind, label = (kit.p11_kit_uri_get_attribute(uri, name).contents for name in (CKA_CLASS, CKA_LABEL))
        found["class"] = int.from_bytes(ctypes.string_at(kind.value, kind.length), "little")
        found["label"] = ctypes.string_at(label.value, label.length).decode()
        return found
    finally:
        kit.p11_kit_uri_free(uri)


class Vault(LoopbackServer):
    def __init__(self, token, tls=None):
        self.token = token
        self.stored = {}  # path -> what was put there last
        self.puts = []  # (path, content), in the order in which they came
        self.answer = (204, b"")  # to who has the token
        self.headers = []  # further ones
        self.endless = False
        super().__init__(tls)

    @property
    def paths(self):
        """Of all calls, refused ones too."""
        return [path for _, path in self.requests]

    def serve(self, request):
        status, body = self.answer
        if request.headers.get("X-Vault-Token") != self.token:
            # As a careless proxy would: it shows what it was sent.
            status, body = 403, ("denied: " + str(request.headers)).encode()
        if request.command != "PUT":
            status, body = 405, b""
        if status == 204:
            value = json.loads(request.body)
            if not isinstance(value, dict) or not value:
                raise AssertionError("a Vault takes no empty write")
            self.stored[request.path] = value
            self.puts.append((request.path, value))
        request.send_response(status)
        for name, value in self.headers:
            request.send_header(name, value)
        if self.endless:
            request.end_headers()
            while True:
                request.wfile.write(b"x" * 65536)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
