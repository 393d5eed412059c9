"""Register, policy versions, quotas and the extensions that a profile asks for, over the real sockets, judged by
openssl(1) and python3-cryptography."""

import hashlib
import json
import subprocess
import threading
import unittest

import support_path
import rig
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID, NameOID
from rig_test import RigTest

LIMIT = "burst = {}\nrefill = 1\nrefill_seconds = 86400"


def replace(path, old, new):
    text = path.read_text()
    assert old in text, f"{path} has no {old!r}"
    path.write_text(text.replace(old, new, 1))


class PolicyTest(RigTest):
    def make(self, prepare=lambda made: None):
        """A rig with a CA; `prepare` may change the files of its policy before the first start."""
        made = super().make(start=False)
        prepare(made)
        made.start()
        self.root = made.make_ca()["certificate"]
        return made


class Register(PolicyTest):
    def test_a_closed_register_is_what_is_certified(self):
        room = self.make(lambda made: replace(made.policy_file, 'mode = "auto"', 'mode = "closed"'))
        self.refused("policy_denied", room, "issue_certificate", **self.issue_fields(room, "r-0"))
        room.call("set_subject", subject="bank1", organization="Bank One", country="KE",
                  names={"cn": ["bank1.example"], "dns": ["a.example"], "ip": ["192.0.2.1"]})
        csr = room.make_csr("/CN=bank1.example", ("-newkey", "rsa:2048"), "-addext",
                            "subjectAltName=DNS:a.example,IP:192.0.2.1")
        issued = room.call("issue_certificate", **self.issue_fields(room, "r-1", csr=csr))
        self.assertIn(": OK", room.verify_chain(issued, self.root))
        certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
        self.assertEqual({attribute.oid: attribute.value for attribute in certificate.subject},
                         {NameOID.COMMON_NAME: "bank1.example", NameOID.ORGANIZATION_NAME: "Bank One",
                          NameOID.COUNTRY_NAME: "KE"})
        for subject, more in (("/CN=bank2.example", ()), ("/CN=bank1.example/O=Bank Two", ()),
                              ("/CN=bank1.example", ("-addext", "subjectAltName=DNS:b.example"))):
            message = self.refused("policy_denied", room, "issue_certificate", **self.issue_fields(
                room, f"r-{subject[-3:].strip()}-{len(more)}", csr=room.make_csr(subject, ("-newkey", "rsa:2048"), *more)))
            self.assertIn("participant bank1", message)
        room.restart()
        self.assertEqual(room.call("get_subject", subject="bank1")["names"]["ip"], ["192.0.2.1"])
        # The agent reads it and cannot change it.
        self.assertEqual(room.call("get_subject", on="agent", subject="bank1")["organization"], "Bank One")
        with self.assertRaises(rig.Refused) as caught:
            room.call("set_subject", on="agent", subject="bank1", names={})
        self.assertEqual(caught.exception.code, "forbidden")

    def test_eight_first_requests_of_one_participant_enter_it_once(self):
        room = self.make()
        start, answers = threading.Barrier(8), []

        def ask(number):
            fields = self.issue_fields(room, f"r-{number}")
            with room.connect("agent") as connection:
                start.wait()
                answers.append(connection.call("issue_certificate", **fields))

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len({answer["serial"] for answer in answers}), 8)
        self.assertEqual([entry["subject"] for entry in room.call("list_subjects")["subjects"]], ["bank1"])
        self.assertEqual(len([record for record in room.audit() if record["event"] == "subject_registered"]), 1)


class Extensions(PolicyTest):
    def test_PKI_6_addresses_and_policies_as_python_reads_them(self):
        def prepare(made):
            profile = made.folder / "profiles" / "dfsp-client.toml"
            replace(profile, "\ncrl_urls  = []", '\ncrl_urls = ["http://pki.example/{ca}.crl", "http://b.example/c"]')
            replace(profile, "\nocsp_urls = []", '\nocsp_urls = ["http://pki.example/ocsp"]')
            replace(profile, "\npolicy_oids = []", '\npolicy_oids = ["1.3.6.1.4.1.99999.1"]')

        room = self.make(prepare)
        issued = room.call("issue_certificate", **self.issue_fields(room, "r-1"))
        self.assertIn(": OK", room.verify_chain(issued, self.root))
        found = {extension.oid: extension for extension in
                 x509.load_pem_x509_certificate(issued["certificate"].encode()).extensions}
        points = found[ExtensionOID.CRL_DISTRIBUTION_POINTS]
        self.assertFalse(points.critical)
        self.assertEqual([[name.value for name in point.full_name] for point in points.value],
                         [["http://pki.example/hub-ca.crl", "http://b.example/c"]])
        self.assertEqual([(entry.access_method, entry.access_location.value)
                          for entry in found[ExtensionOID.AUTHORITY_INFORMATION_ACCESS].value],
                         [(AuthorityInformationAccessOID.OCSP, "http://pki.example/ocsp")])
        self.assertEqual([policy.policy_identifier.dotted_string
                          for policy in found[ExtensionOID.CERTIFICATE_POLICIES].value], ["1.3.6.1.4.1.99999.1"])
        self.assertEqual(room.tool("openssl", "x509", "-noout", "-ocsp_uri", stdin=issued["certificate"].encode())
                         .stdout.decode().strip(), "http://pki.example/ocsp")

    def test_a_constrained_root_and_what_openssl_says_below_it(self):
        def prepare(made):
            with open(made.folder / "profiles" / "test-root.toml", "a") as file:
                file.write('\n[name_constraints]\npermitted_dns = ["dfsp.example"]\nexcluded_ip = ["0.0.0.0/0"]\n')

        room = self.make(prepare)
        constraints = x509.load_pem_x509_certificate(self.root.encode()).extensions.get_extension_for_class(
            x509.NameConstraints)
        self.assertTrue(constraints.critical)
        self.assertEqual([name.value for name in constraints.value.permitted_subtrees], ["dfsp.example"])
        self.assertEqual([str(name.value) for name in constraints.value.excluded_subtrees], ["0.0.0.0/0"])
        good = room.make_csr("/", ("-newkey", "rsa:2048"), "-addext", "subjectAltName=DNS:a.dfsp.example")
        issued = room.call("issue_certificate", **self.issue_fields(room, "r-1", "good", good, "dfsp-server"))
        self.assertIn(": OK", room.verify_chain(issued, self.root))
        for number, name in enumerate(("DNS:a.example", "IP:192.0.2.1")):
            bad = room.make_csr("/", ("-newkey", "rsa:2048"), "-addext", f"subjectAltName={name}")
            message = self.refused("policy_denied", room, "issue_certificate",
                                   **self.issue_fields(room, f"bad-{number}", f"bad{number}", bad, "dfsp-server"))
            self.assertIn("name constraints", message)


class Policy(PolicyTest):
    def test_files_count_when_they_are_loaded_and_not_before(self):
        room = self.make()
        profile = room.folder / "profiles" / "dfsp-client.toml"
        replace(profile, "validity_days    = 730", "validity_days    = 30")
        room.restart()
        health = room.call("health")
        self.assertEqual((health["status"], health["policy"]["version"], health["policy"]["files"]), ("ready", 1, "differ"))
        self.assertIn('policy_version":1', json.dumps(room.audit()[-1]).replace(" ", ""))
        loaded = room.call("load_policy")
        self.assertEqual((loaded["version"], loaded["changed"]), (2, True))
        issued = room.call("issue_certificate", **self.issue_fields(room, "r-1"))
        certificate = x509.load_pem_x509_certificate(issued["certificate"].encode())
        self.assertEqual((certificate.not_valid_after - certificate.not_valid_before).days, 30)
        room.restart()
        self.assertEqual(room.call("health")["policy"], {"version": 2, "sha256": loaded["sha256"], "files": "same"})
        listing = subprocess.run(["sha256sum", "policy.toml", *sorted(
            f"profiles/{path.name}" for path in (room.folder / "profiles").glob("*.toml"))], cwd=room.folder,
            capture_output=True, check=True).stdout
        self.assertEqual(hashlib.sha256(listing).hexdigest(), loaded["sha256"])

    def test_files_that_are_not_the_policy_that_was_named_change_nothing(self):
        room = self.make()
        before = room.call("health")["policy"]["sha256"]
        replace(room.folder / "profiles" / "dfsp-client.toml", "validity_days    = 730", "validity_days    = 30")
        message = self.refused("conflict", room, "load_policy", sha256=before)
        self.assertIn("nothing was changed", message)
        self.assertEqual(room.call("health")["policy"]["version"], 1)
        found = message.split("the policy ")[1].split(",")[0]
        self.assertEqual(room.call("load_policy", sha256=found)["sha256"], found)

    def test_a_bad_file_stops_neither_a_running_nor_a_starting_daemon(self):
        room = self.make()
        replace(room.folder / "profiles" / "jws.toml", 'kind        = "end_entity"', 'kind        = "server"')
        self.assertIn("profiles/jws.toml", self.refused("bad_request", room, "load_policy"))
        room.restart()
        room.call("issue_certificate", **self.issue_fields(room, "r-1", profile="jws"))
        self.assertEqual(room.call("health")["policy"]["version"], 1)

    def test_a_profile_that_a_peer_names_must_stay(self):
        room = self.make()
        (room.folder / "profiles" / "hub-server.toml").unlink()
        self.assertIn("hub-server", self.refused("bad_request", room, "load_policy"))

    def test_loading_under_load_refuses_nobody(self):
        room = self.make()
        stop, problems = threading.Event(), []

        def ask(number):
            count = 0
            with room.connect("agent") as kept:
                while not stop.is_set():
                    count += 1
                    fields = self.issue_fields(room, f"r-{number}-{count}", f"bank{number}")
                    try:
                        kept.call("issue_certificate", **fields)
                        room.call("issue_certificate", on="agent", **fields)  # by another connection: the listener is there
                    except Exception as problem:  # noqa: whatever it was is told below
                        problems.append(problem)
                        return

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(3)]
        for thread in threads:
            thread.start()
        for days in range(700, 710):
            profile = room.folder / "profiles" / "dfsp-server.toml"
            text = profile.read_text()
            line = next(line for line in text.splitlines() if line.startswith("validity_days"))
            profile.write_text(text.replace(line, f"validity_days = {days}"))
            room.call("load_policy")
        stop.set()
        for thread in threads:
            thread.join()
        self.assertEqual(problems, [])
        self.assertEqual(room.call("health")["policy"]["version"], 11)

    def test_adopting_wants_the_daemon_stopped_and_is_recorded(self):
        room = self.make()
        replace(room.policy_file, "expires_hours = 72", "expires_hours = 24")
        adopt = (rig.HUBSEALD, "--config", room.config_file, "--adopt-policy")
        self.assertNotEqual(room.tool(*adopt, check=False).returncode, 0)
        room.stop()
        self.assertIn(b"version 2", room.tool(*adopt).stdout)
        self.assertIn(b"nothing was changed", room.tool(*adopt).stdout)
        room.start()
        self.assertEqual(room.call("health")["policy"]["version"], 2)
        record = next(record for record in room.audit() if record["event"] == "policy_adopted")
        self.assertEqual((record["version"], record["sha256"]), (2, room.call("get_policy")["sha256"]))
        self.assertEqual(room.call("list_policies")["policies"][1]["peer"], "hubseald --adopt-policy")

    def test_a_folder_can_be_checked_without_a_daemon(self):
        room = self.make()
        check = (rig.HUBSEALD, "--check-policy", room.folder)
        sha256 = room.call("get_policy")["sha256"]
        self.assertIn(sha256, room.tool(*check).stdout.decode())
        replace(room.policy_file, "mode = ", "mood = ")
        done = room.tool(*check, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"register.m", done.stderr)

    def test_policy_check_tells_programs_the_hash_and_people_what_is_wrong(self):
        room = self.make()
        check = (rig.BUILD / "cli" / "hubseal", "policy", "check")
        verdict = json.loads(room.tool(*check, room.folder, "--json").stdout)
        self.assertEqual(verdict, {"good": True, "profiles": len(list((room.folder / "profiles").iterdir())),
                                   "sha256": room.call("get_policy")["sha256"]})
        self.assertEqual(room.tool(*check, room.folder).stdout.decode(),
                         f"policy is good: {verdict['profiles']} profiles, sha256 {verdict['sha256']}\n")
        replace(room.policy_file, "mode = ", "mood = ")
        for folder, words in ((room.folder, "register.m"), (room.folder / "nowhere", "nowhere/policy.toml")):
            done = room.tool(*check, folder, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertTrue(done.stderr.startswith(b"hubseal: bad_request: "), done.stderr)
            self.assertIn(words, done.stderr.decode())
            self.assertNotIn("hubseald ends", done.stderr.decode())


class Quotas(PolicyTest):
    def limited(self, **bursts):
        def prepare(made):
            for kind, burst in bursts.items():
                replace(made.policy_file, f"[quota.{kind}]\nunlimited = true", f"[quota.{kind}]\n" + LIMIT.format(burst))
        return prepare

    def count(self, room, subject, tries):
        granted = 0
        for number in range(tries):
            try:
                room.call("issue_certificate", on="agent",
                          **self.issue_fields(room, f"{subject}-{number}-{len(room.audit())}", subject))
                granted += 1
            except rig.Refused as refusal:
                self.assertEqual(refusal.code, "rate_limited")
                self.assertIn("try again in", refusal.message)
        return granted

    def test_levels_survive_a_restart_and_a_crash(self):
        room = self.make(self.limited(subject=8))
        for subject in ("bank1", "bank2"):
            room.call("set_subject", subject=subject, organization=subject, country="KE", names={})
        self.assertEqual(self.count(room, "bank1", 3), 3)
        room.restart()
        self.assertEqual(self.count(room, "bank1", 10), 5)
        room.kill()
        room.start()
        self.assertEqual(self.count(room, "bank1", 3), 0)
        self.assertEqual(self.count(room, "bank2", 3), 3)
        room.kill()
        room.start()
        self.assertLessEqual(self.count(room, "bank2", 10), 5)

    def test_messages_of_the_hub_and_other_jws_of_a_key_share_its_quota(self):
        room = self.make(self.limited(key=2))
        room.call("create_key", label="hub-jws", type="ec_p256", use="jws")
        message = {"key": "hub-jws", "method": "PUT", "uri": "/quotes/1", "source": "hub"}
        for operation, fields in (("sign_fspiop", message), ("sign_jws", {"key": "hub-jws", "payload": "e30"})):
            room.call(operation, on="jws", **fields)
        self.assertIn("quota.key of key hub-jws", self.refused("rate_limited", room, "sign_fspiop", **message))

    def test_a_flood_of_refusals_is_recorded_as_a_count(self):
        room = self.make(self.limited(refusals=10))
        with room.connect("agent") as connection:
            for _ in range(300):
                self.assertEqual(connection.ask(b"nonsense")["error"]["code"], "bad_request")
        self.assertEqual(len([record for record in room.audit() if record["event"] == "undecodable"]), 10)
        room.stop()
        counts = [record for record in room.audit() if record["event"] == "refusals_not_recorded"]
        self.assertEqual(sum(record["count"] for record in counts), 290)
        self.assertEqual({record["uid"] for record in counts}, {rig.os.geteuid()})

    def test_a_quota_that_is_left_out_is_no_policy(self):
        room = rig.Rig(start=False)
        self.addCleanup(room.close)
        replace(room.policy_file, "[quota.key]\nunlimited = true", "")
        self.assertEqual(room.refuse_to_start(), 2)
        self.assertIn("quota.key", room.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
