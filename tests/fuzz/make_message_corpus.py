"""Makes the first inputs of corpus/message: requests that came, that a sender may have signed, and that a service of the hub has
signed (message.cpp says what the first byte means). Run it by hand, as make_corpora.py.
"""

import base64
import json
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus" / "message"


def put(label, content):
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / label).write_bytes(content)


sent = {"FSPIOP-Source": "hub", "FSPIOP-Destination": "bank1", "Date": "Sun, 29 Nov 2026 10:00:00 GMT"}
signed = {"alg": "ES256", "FSPIOP-URI": "/quotes/1", "FSPIOP-HTTP-Method": "PUT", **sent}


def http_request(headers, target="/fspiop/quotes/1", method="PUT", body='{"a":1}', end="\n"):
    return end.join([f"{method} {target} HTTP/1.1", *(f"{header}: {text}" for header, text in headers.items()), "", body])


def put_message(label, header, **changed):
    """A request under this protected header, which the target signs."""
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    put(f"signed-{label}", b"\1" + http_request({"FSPIOP-URI": "/quotes/1", "FSPIOP-HTTP-Method": "PUT", **sent, "Protected": text}, **changed).encode())


put("came", b"\0" + http_request({**sent, "FSPIOP-URI": "/quotes/1", "FSPIOP-HTTP-Method": "PUT", "FSPIOP-Signature":
    json.dumps({"signature": "c2ln", "protectedHeader": base64.urlsafe_b64encode(json.dumps(signed).encode()).rstrip(b"=").decode()})}).encode())
put_message("good", signed)
put_message("good-crlf", signed, end="\r\n")
put_message("kid", {**signed, "typ": "JOSE", "kid": "k"})
put_message("other-case", {name.lower() if name != "alg" else name: text for name, text in signed.items()})
put_message("twice", json.dumps(signed).replace('"alg"', '"alg":"none","alg"'))
put_message("none", {**signed, "alg": "none"})
put_message("jwk", {**signed, "jwk": {"kty": "EC"}})
put_message("crit", {**signed, "crit": ["b64"], "b64": False})
put_message("number", {**signed, "X-Count": 1})
put_message("no-destination", {name: text for name, text in signed.items() if name != "FSPIOP-Destination"})
put_message("other-target", signed, target="/transfers/1")
put_message("dot-segment", signed, target="/quotes/%2e%2e/transfers/1")
put_message("no-json", "{")
for label, headers in (("plain", sent), ("no-destination", {"FSPIOP-Source": "hub"}), ("further", {**sent, "X-Trace": '\\"1', "Content-Type": "a/b"})):
    put(f"ours-{label}", b"\2" + http_request(headers).encode())
put("ours-query", b"\2" + http_request(sent, target="https://bank1.example:4000/v1/quotes/7c23?x=/parties/1%20", body="").encode())
put("found-signature-among-further-headers", b"\2" + http_request({**sent, "FSPIOP-Signature": "{}"}).encode())
put("found-destination-in-other-case", b"\2" + http_request({"FSPIOP-Source": "hub", "fspiop-destination": "bank1"}).encode())
