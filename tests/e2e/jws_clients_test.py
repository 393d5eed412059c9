"""The clients of clients/, as hub services use them: what they have signed, the SDK that participants run accepts."""

import base64
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import threading
import unittest

from jws_support import DATE, RESOURCE, URI, MessageTest, rig

CLIENTS = pathlib.Path(__file__).resolve().parents[2] / "clients"
sys.path.insert(0, str(CLIENTS / "python"))
import hubseal_jws

MESSAGE = {"z": {"currency": "USD", "amount": "150"}, "10": 1, "9": [{"b": None, "a": True}], "note": "caf\u00e9 \U0001f4b8"}
BODY = json.dumps(MESSAGE, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


class Node(MessageTest):
    def ask(self, how, request, key="rsa", **config):
        return self.ask_sdk(hubseal=request, how=how, client=str(CLIENTS / "node" / "hubseal-signer.js"),
                            config={"key": key, "path": str(self.room.run / "jws.sock"), **config})

    def request(self, **changed):
        return {"method": "put", "url": URI, "data": MESSAGE, "headers": {"fspiop-source": "hub", "fspiop-destination": "bank1", "date": DATE}, **changed}

    def run_node(self, script, path):
        """What this script prints, which has the client's file and this path as its words."""
        return subprocess.run(["node", "-e", script, CLIENTS / "node" / "hubseal-signer.js", path], capture_output=True, timeout=rig.PATIENCE, check=True).stdout

    def test_both_calls_sign_what_the_sdk_accepts_with_both_kinds_of_key(self):
        for how in ("sign", "signAsync", "sign", "signAsync"):  # over a connection that is kept, too
            for key, pem in self.keys.items():
                with self.subTest(how, key=key):
                    sent = self.ask(how, self.request(), key)
                    self.assertEqual(sent["data"].encode(), BODY)
                    self.assertEqual((sent["headers"]["fspiop-uri"], sent["headers"]["fspiop-http-method"]), (RESOURCE, "PUT"))
                    self.assertEqual(self.accepted(sent["headers"], MESSAGE, pem), {"good": True})

    def test_the_signature_alone_is_what_a_service_puts_beside_headers_of_its_own(self):
        headers = {**self.request()["headers"], "fspiop-uri": RESOURCE, "fspiop-http-method": "PUT"}
        made = self.ask("getSignature", self.request(headers=headers))["made"]
        self.assertEqual(self.accepted({**headers, "fspiop-signature": made}, MESSAGE, self.keys["rsa"]), {"good": True})
        other = self.ask("getSignature", self.request(headers={**headers, "fspiop-uri": "/quotes/other"}))
        self.assertIn("fspiop-uri is /quotes/other", other["bad"])

    def test_the_names_of_headers_count_in_any_letter_case_and_each_once(self):
        headers = {"FSPIOP-Source": "hub", "Fspiop-Destination": "bank1", "Date": DATE, "FSPIOP-URI": "/quotes/old"}
        for how in ("sign", "signAsync"):
            sent = self.ask(how, self.request(headers=headers))["headers"]
            self.assertEqual(set(sent), {"FSPIOP-Source", "Fspiop-Destination", "Date", "fspiop-uri", "fspiop-http-method", "fspiop-signature"})
            signed = json.loads(sent["fspiop-signature"])["protectedHeader"]
            signed = json.loads(base64.urlsafe_b64decode(signed + "=" * (-len(signed) % 4)))
            self.assertEqual((signed["FSPIOP-Destination"], signed["Date"]), ("bank1", DATE))
        self.assertIn("fspiop-uri is /quotes/old", self.ask("getSignature", self.request(headers=headers))["bad"])
        self.assertIn("fspiop-source stands there twice", self.ask("sign", self.request(headers={**headers, "fspiop-source": "hub"}))["bad"])
        del headers["FSPIOP-Source"]
        self.assertIn("the headers have no fspiop-source", self.ask("sign", self.request(headers=headers))["bad"])

    def test_a_refusal_and_an_absence_are_told_and_the_next_call_finds_the_hub_again(self):
        for how in ("sign", "signAsync"):
            with self.subTest(how):
                refused = self.ask(how, self.request(url="https://bank1.example.com/transfers/1"))
                self.assertEqual(("forbidden" in refused["bad"], refused["code"]), (True, "forbidden"))
                self.assertIn("ENOENT", self.ask(how, self.request(), path=str(self.room.folder / "nothing"))["bad"])
                self.assertIn("Cannot sign with no body", self.ask(how, self.request(data=None))["bad"])
                self.room.stop()
                self.room.start()
                self.assertIn("headers", self.ask(how, self.request()))

    def test_all_that_waited_over_a_connection_that_ended_ask_again_over_one(self):
        script = """const net = require('node:net');
            const Signer = require(process.argv[1]);
            const answer = JSON.stringify({v: 1, id: '1', ok: {headers: {}}}) + '\\n';
            const signer = new Signer({key: 'rsa', path: process.argv[2]});
            const sign = () => signer.signAsync({method: 'put', url: '/quotes/1', data: {}, headers: {'fspiop-source': 'hub'}});
            let connections = 0;
            const server = net.createServer((socket) => {
              const first = ++connections === 1;
              let asked = 0;
              socket.setEncoding('utf8').on('data', (text) => {
                for (const line of text.split('\\n').slice(1)) {
                  asked += 1;
                  if (!first || asked === 1) socket.write(answer);
                  else if (asked === 21) socket.destroy();
                }
              });
            }).listen(process.argv[2], async () => {
              await sign();
              await Promise.all(Array.from({length: 20}, sign));
              console.log(connections);
              process.exit(0);
            });"""
        self.assertEqual(json.loads(self.run_node(script, self.room.folder / "counts.sock")), 2)

    def test_a_thread_that_has_ended_is_told_and_the_next_call_has_another(self):
        script = """const Signer = require(process.argv[1]);
            const signer = new Signer({key: 'rsa', path: process.argv[2], timeout: 100});
            const problem = () => { try { signer.sign({method: 'put', url: '/quotes/1', data: {}, headers: {'fspiop-source': 'hub'}}); } catch (error) { return error.message; } };
            const before = problem();
            signer.waitingLine.worker.terminate();
            console.log(JSON.stringify([before, problem(), problem()]));"""
        before, ended, after = json.loads(self.run_node(script, self.room.folder / "nothing"))
        self.assertIn("the thread that asks hubseald has ended", ended)
        self.assertEqual(("ENOENT" in before, after), (True, before))


class Python(MessageTest):
    def signer(self, key="ec", **options):
        made = hubseal_jws.Signer(key, "hub", path=str(self.room.run / "jws.sock"), **options)
        self.addCleanup(made.close)
        return made

    def test_the_sdk_accepts_what_it_signs_with_both_kinds_of_key(self):
        for key, pem in self.keys.items():
            headers = self.signer(key).sign("PUT", URI, BODY, destination="bank1", date=DATE, headers={"X-Trace": "1"})
            self.assertEqual(headers["FSPIOP-URI"], RESOURCE)
            self.assertEqual(self.accepted(headers, MESSAGE, pem), {"good": True})

    def test_a_refusal_and_an_absence_are_told_and_a_restart_is_none(self):
        signer = self.signer()
        signer.sign("PUT", URI, BODY)
        with self.assertRaises(hubseal_jws.Refused) as refused:
            signer.sign("POST", URI, BODY)
        self.assertEqual(refused.exception.code, "forbidden")
        self.room.stop()
        with self.assertRaises(OSError) as gone:
            signer.sign("PUT", URI, BODY)
        self.assertIn("jws.sock", str(gone.exception))
        self.room.start()
        first = signer.sign("PUT", URI, BODY)
        self.room.stop()
        self.room.start()
        self.assertEqual(set(signer.sign("PUT", URI, BODY)), set(first))

    def test_a_process_that_was_forked_asks_over_a_connection_of_its_own(self):
        signer = self.signer()
        signer.sign("PUT", URI, BODY)
        children = []
        for number in range(4):
            child = os.fork()
            if child == 0:
                wrong = 1
                try:
                    asked = [f"/quotes/{number}-{n}" for n in range(20)]
                    wrong = int([signer.sign("PUT", uri, BODY)["FSPIOP-URI"] for uri in asked] != asked)
                finally:
                    os._exit(wrong)
            children.append(child)
        self.assertEqual([os.waitpid(child, 0)[1] for child in children], [0] * 4)


class Shell(MessageTest):
    WORDS = ("--method", "PUT", "--uri", URI, "--source", "hub", "--destination", "bank1", "--date", DATE)

    def run_client(self, *words, stdin=BODY, path=None):
        command = [rig.BUILD / "clients" / "c" / "hubseal-jws", "--socket", path or self.room.run / "jws.sock", *words]
        return subprocess.run(command, input=stdin, capture_output=True, timeout=rig.PATIENCE, check=False)

    def answered(self, answer):
        """What the client says to this answer, of somebody who is not hubseald."""
        path = self.room.folder / "false.sock"
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            listener.settimeout(rig.PATIENCE)

            def serve():
                with listener.accept()[0] as connection:
                    connection.makefile("rb").readline()
                    with contextlib.suppress(BrokenPipeError):  # who has read enough closes
                        connection.sendall(answer)

            thread = threading.Thread(target=serve)
            thread.start()
            done = self.run_client(*self.WORDS, path=path)
            thread.join()
        return done

    def test_the_sdk_accepts_what_it_signs_with_both_kinds_of_key(self):
        for key, pem in self.keys.items():
            done = self.run_client(*self.WORDS, "--key", key)
            self.assertEqual(done.returncode, 0, done.stderr)
            headers = dict(line.split(": ", 1) for line in done.stdout.decode().splitlines())
            self.assertEqual(self.accepted(headers, MESSAGE, pem), {"good": True})

    def test_its_two_files_stand_alone_in_the_language_as_the_standard_has_it(self):
        sources = [CLIENTS / "c" / name for name in ("hubseal_jws.c", "main.c")]
        strict = ["cc", "-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-o", self.room.folder / "copied"]
        done = subprocess.run([*strict, *sources], capture_output=True, text=True, timeout=rig.PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_bodies_of_every_length_modulo_three_and_of_every_byte_are_signed_as_they_are(self):
        for body in (b"", b"a", b"ab", b"abc", bytes(range(256)), b"x" * 525 * 1024):
            done = self.run_client(*self.WORDS, "--key", "rsa", stdin=body)
            self.assertEqual(done.returncode, 0, done.stderr)
            (self.room.folder / "key.pem").write_text(self.keys["rsa"])
            request = f"PUT {RESOURCE} HTTP/1.1\n".encode() + done.stdout + b"\n" + body
            self.hubseal("jws", "verify", "--public-key", self.room.folder / "key.pem", stdin=request)

    def test_refusals_are_told(self):
        done = self.run_client(*self.WORDS, "--key", "other \"quoted\"\\\n")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"hubseal-jws: hubseald refused to sign: bad_request: ", done.stderr)
        done = self.run_client("--method", "POST", *self.WORDS[2:], "--key", "rsa")
        self.assertIn(b"refused to sign: forbidden: ", done.stderr)
        self.assertIn(b"No such file", self.run_client(*self.WORDS, path=self.room.folder / "nothing").stderr)
        self.assertEqual(self.run_client("--method", "PUT").returncode, 2)
        short = self.room.folder / ("n" * (106 - len(str(self.room.folder))))  # what a socket's name may have
        short.symlink_to(self.room.run / "jws.sock")
        self.assertEqual(self.run_client(*self.WORDS, "--key", "rsa", path=short).returncode, 0)
        self.assertIn(b"File name too long", self.run_client(*self.WORDS, "--key", "rsa", path=f"{short}x").stderr)
        self.assertIn(b"more than", self.run_client(*self.WORDS, stdin=b"x" * (525 * 1024 + 1)).stderr)

    def test_a_hubseald_that_takes_no_connection_is_waited_for_no_longer_than_for_an_answer(self):
        path = self.room.folder / "full.sock"
        with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as first:
            listener.bind(str(path))
            listener.listen(0)
            first.connect(str(path))  # which has the only place
            done = self.run_client(*self.WORDS, "--timeout", "200", path=path)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"hubseald did not answer within 200 ms", done.stderr)

    def test_a_stranger_whose_connection_is_closed_is_told_who_may_connect(self):
        path = self.room.folder / "closing.sock"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            closing = threading.Thread(target=lambda: listener.accept()[0].close())  # unread, as hubseald does it
            closing.start()
            done = self.run_client(*self.WORDS, "--key", "rsa", path=path)
            closing.join()
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"hubseald closed the connection before it answered; who may connect is said by the [[peer]] tables of hubseald.toml", done.stderr)

    def test_an_answer_that_is_not_hubsealds_ends_with_1_and_no_header(self):
        good = {"FSPIOP-Signature": "{}", "FSPIOP-URI": RESOURCE, "FSPIOP-HTTP-Method": "PUT"}
        line = lambda value: json.dumps(value, separators=(",", ":")).encode() + b"\n"
        self.assertEqual(self.answered(line({"v": 1, "id": "1", "ok": {"headers": good}})).returncode, 0)
        bad = [b"", b"\n", b"{}\n", b"x" * (1 << 21), b'{"ok":{"headers":{"FSPIOP-Signature":"a\n', b'{"ok":' * 1000 + b"\n", b'{"error":{"code":"' + b"x" * 99 + b'"}}\n',
               line({"ok": {"headers": {**good, "FSPIOP-URI": "x" * 4000}}}), line({"ok": {"headers": {**good, "FSPIOP-HTTP-Method": "\u00e9"}}}),
               line({"ok": {"headers": {**good, "FSPIOP-Signature": "a\r\nX: y"}}}), line({"ok": {"headers": {**good, "FSPIOP-URI": 7}}}), line({"ok": {"headers": [good]}}),
               b'{"ok":{"headers":{"FSPIOP-Signature":"\\u00"}}}\n', b'{"ok":{"headers":{"FSPIOP-Signature":"\\']
        for answer in bad:
            with self.subTest(answer=answer[:60]):
                done = self.answered(answer)
                self.assertEqual((done.returncode, done.stdout), (1, b""))


if __name__ == "__main__":
    unittest.main(verbosity=2)
