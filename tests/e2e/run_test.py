"""./run as somebody types it: demonstration, a second time on the same state, refusals, Ctrl-C.

The programs are those of this build (./run --programs), so that nothing is built twice.
In the environment, set by ctest: HUBSEAL_BUILD (the build folder).
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import run_script
from free_port import free_port
from npm_packages import installed

BUILD = pathlib.Path(os.environ.get("HUBSEAL_BUILD", run_script.REPO / "build" / "dev"))
SDK = "@mojaloop/sdk-standard-components"
HAS_NPM = shutil.which("node") and shutil.which("npm")


class RunTest(unittest.TestCase):
    def setUp(self):
        # Short: a socket's path holds 107 bytes.
        folder = tempfile.TemporaryDirectory(prefix="hs-run-", dir="/tmp")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *options, state="state", port=None, programs=BUILD):
        port = free_port() if port is None else port
        run = run_script.Run(programs, "--state", self.folder / state, "--port", port, *options)
        self.addCleanup(run.close)
        return run

    def once(self, **where):
        run = self.start("--once", **where)
        self.assertEqual(run.finish(), 0, run.output + run.said_wrong())
        return run

    def bank_files(self):
        bank = self.folder / "state" / "demo-bank"
        return {name: (bank / name).read_bytes() for name in ("hub-ca.pem", "client.pem", "client.csr", "client.key")}

    def openssl(self, *words):
        done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assert_gone(self, pids):
        self.assertEqual(sorted(pids), ["hubseal-agent", "hubseald"])
        for pid in pids.values():
            with self.assertRaises(ProcessLookupError):
                os.kill(pid, 0)


class Demonstration(RunTest):
    def test_once_ends_with_0_and_a_chain_that_openssl_verifies_and_again_goes_on_with_it(self):
        sdk = installed("sdk.mjs", folder="sdk") if HAS_NPM else None
        first = self.once()
        bank = self.folder / "state" / "demo-bank"
        self.assertIn(f"{bank}/client.pem: OK\n", first.output)
        self.assertNotIn("== Packages and build", first.output)
        self.assertNotIn("systemctl", first.output)  # what production does next is not for a rig
        self.assert_onboarded(first)
        self.assert_accepted_by(sdk, first)
        self.assert_gone(first.pids())
        # The same question asked by us, with the bank's own key on the other side.
        self.openssl("verify", "-x509_strict", "-CAfile", bank / "hub-ca.pem", "-purpose", "sslclient", bank / "client.pem")
        self.assertEqual(self.openssl("x509", "-in", bank / "client.pem", "-noout", "-pubkey"),
                         self.openssl("pkey", "-in", bank / "client.key", "-pubout"))
        self.assertIn("CA:FALSE", self.openssl("x509", "-in", bank / "client.pem", "-noout", "-text"))
        careful = self.folder / "state" / "careful-bank"
        for said in ("asked for: approval_required, a-1\n", "alice agrees to a-1: 1 of 2, pending\n",
                     "bob agrees to a-1: 2 of 2, approved\n", f"{careful}/client.pem: OK\n"):
            self.assertIn(said, first.output)
        self.openssl("verify", "-x509_strict", "-CAfile", bank / "hub-ca.pem", "-purpose", "sslclient", careful / "client.pem")
        made = self.bank_files()
        approved = (careful / "client.pem").read_bytes()

        second = self.once(programs=self.programs_without_sdk())  # on another port
        self.assert_accepted_by(None, second)
        self.assertEqual(self.bank_files(), made)
        self.assertIn("demo-bank is there already", second.output)
        self.assertIn("CA hub-ca: was there already", second.output)
        self.assertIn("careful-bank has its certificate already", second.output)
        self.assertEqual((careful / "client.pem").read_bytes(), approved)
        self.assertIn(f"{bank}/client.pem: OK\n", second.output)
        self.assert_gone(second.pids())

        # The agent's database lost and begun anew: the key room knows the CSR, and nothing is made twice.
        for file in (self.folder / "state" / "agent").glob("agent.db*"):
            file.unlink()
        self.assertIn("POST /api/dfsps: demo-bank", self.once().output)
        self.assertEqual(self.bank_files(), made)

    def programs_without_sdk(self):
        """Those of the build, without what its tests have installed there."""
        folder = self.folder / "programs"
        folder.mkdir()
        for name in ("agent", "cli", "daemon"):
            (folder / name).symlink_to(BUILD / name)
        return folder

    def assert_accepted_by(self, sdk, run):
        """The message of the hub is good, and the participants' own software says so, or is said to be missing."""
        shown = run.output.partition("== A message of the hub is signed\n")[2].partition("\n\n")[0].splitlines()
        self.assertEqual(shown[:2], ["PUT /quotes/7c23e80c-d078-4077-8263-2c047876fcf6 of the hub to demo-bank: signed by hub-jws in the token",
                                     f"good: signed by the key of {self.folder}/state/message/hub-jws.pem"])
        if sdk:
            package = json.loads((sdk / "node_modules" / SDK / "package.json").read_text())
            self.assertEqual(shown[2:], [f"{SDK} {package['version']}, which participants run: accepted",
                                         "  and with another amount: refused (invalid signature)"])
        else:
            self.assertEqual(shown[2], f"{SDK}, which participants run, is not asked: node, or the package, is not here.")

    def assert_onboarded(self, run):
        """Gateways find the bank: its CA, the certificate that it made for the hub's key, which is in the token, and its addresses."""
        self.assertIn("POST /api/dfsps/demo-bank/onboard: ", run.output)
        (file,) = (self.folder / "state" / "gateway").rglob("bundle.json")
        bundle = json.loads(file.read_text())
        self.assertEqual((bundle["fqdn"], file.parent.name), ("demo-bank.example", "demo-bank"))
        self.assertRegex(bundle["client_key"], "^pkcs11:")
        for name in ("ca_bundle.pem", "client_cert_chain.pem"):
            self.assertTrue((file.parent / name).exists(), name)
        self.openssl("verify", "-purpose", "sslclient", "-CAfile", file.parent / "ca_bundle.pem", file.parent / "client_cert_chain.pem")
        self.assertEqual((file.parent / "whitelist.txt").read_text().split(), ["192.0.2.10"])

    def test_a_rig_that_was_sealed_and_stopped_comes_up_sealed_and_goes_on_when_it_is_unsealed(self):
        hubseal = [BUILD / "cli" / "hubseal", "--socket", self.folder / "state" / "run" / "admin.sock"]
        up = self.start()
        self.assertTrue(up.is_up(), up.output + up.said_wrong())
        subprocess.run([*hubseal, "seal", "--reason", "a drill"], check=True, timeout=60, stdout=subprocess.DEVNULL)
        self.assertEqual(up.press_ctrl_c(), 0, up.said_wrong())
        sealed = self.start()
        self.assertTrue(sealed.is_up(), sealed.output + sealed.said_wrong())
        self.assertIn("== sealed: nothing is signed until `hubseal unseal`\n", sealed.output)
        self.assertIn("between it and the bank.\n", up.output)
        self.assertNotIn("between it and the bank.\n", sealed.output)  # where nothing was shown
        for pid in sealed.pids().values():
            os.kill(pid, 0)
        subprocess.run([*hubseal, "unseal"], check=True, timeout=60, stdout=subprocess.DEVNULL)
        self.assertEqual(sealed.press_ctrl_c(), 0, sealed.said_wrong())
        self.assertIn("demo-bank is there already", self.once().output)

    def test_what_somebody_changed_in_the_configuration_stays_changed(self):
        self.once()
        etc = self.folder / "state" / "etc"
        agent = etc / "agent.toml"
        policy = etc / "policy.toml"
        policy.write_text(policy.read_text().replace("expires_hours = 72", "expires_hours = 24"))
        own = etc / "profiles" / "own.toml"
        own.write_text((etc / "profiles" / "dfsp-client.toml").read_text().replace('"dfsp-client"', '"own"'))
        own.chmod(0o600)
        before = agent.read_text()
        again = self.once()  # on another port, which is in agent.toml
        self.assertIn(f"kept as it was changed: {policy}\n", again.output)
        self.assertIn("expires_hours = 24", policy.read_text())
        self.assertTrue(own.exists())
        self.assertNotEqual(agent.read_text(), before)
        self.assertEqual(again.output.count("kept as it was changed"), 1)

    def test_while_one_is_up_neither_its_port_nor_its_state_is_given_to_another_and_ctrl_c_ends_both_processes(self):
        port = free_port()
        up = self.start(port=port)
        self.assertTrue(up.is_up(), up.output + up.said_wrong())
        for pid in up.pids().values():
            os.kill(pid, 0)

        same_port = self.start("--once", state="other", port=port)
        self.assertEqual(same_port.finish(), 1)
        self.assertEqual(same_port.said_wrong(), f"run: port {port} is in use (another ./run?). Give --port\n")
        self.assertFalse((self.folder / "other").exists())
        same_state = self.start("--once")
        self.assertEqual(same_state.finish(), 1)
        self.assertEqual(same_state.said_wrong(), f"run: another ./run is at work in {self.folder}/state\n")
        self.assertIsNone(up.process.poll())

        self.assertEqual(up.press_ctrl_c(), 0, up.said_wrong())
        self.assertEqual(up.said_wrong(), "")
        self.assert_gone(up.pids())
        audit = (self.folder / "state" / "hubseald" / "audit" / "audit.jsonl").read_text()
        self.assertIn('"event":"stopped"', audit.splitlines()[-1])
        self.assertIn("stopping", (self.folder / "state" / "log" / "hubseal-agent.log").read_text())

    def test_ctrl_c_before_the_demonstration_is_over_ends_with_130_and_leaves_nothing_running(self):
        early = self.start()
        self.assertTrue(early.is_up("hubseald       pid "), early.output + early.said_wrong())
        self.assertEqual(early.press_ctrl_c(), 130, early.said_wrong())
        self.assertNotIn("-- the end of", early.said_wrong())
        with self.assertRaises(ProcessLookupError):
            os.kill(early.pids()["hubseald"], 0)
        self.once()  # and goes on from there

    def test_when_one_of_the_two_ends_by_itself_it_says_which_and_ends_the_other(self):
        up = self.start()
        self.assertTrue(up.is_up(), up.output + up.said_wrong())
        os.kill(up.pids()["hubseal-agent"], 9)
        self.assertEqual(up.finish(), 1)
        self.assertIn(f"run: hubseal-agent (pid {up.pids()['hubseal-agent']}) ended by itself, with status 137", up.said_wrong())
        self.assertIn("-- the end of", up.said_wrong())
        self.assert_gone(up.pids())

    def test_one_that_ended_before_the_demonstration_was_over_is_told_no_less(self):
        up = self.start()
        # Nothing from here on needs the agent.
        self.assertTrue(up.is_up("== A certificate that two people must agree to"), up.output + up.said_wrong())
        os.kill(up.pids()["hubseal-agent"], signal.SIGKILL)
        self.assertEqual(up.finish(), 1)
        self.assertIn(f"run: hubseal-agent (pid {up.pids()['hubseal-agent']}) ended by itself, with status 137", up.said_wrong())
        self.assert_gone(up.pids())


if __name__ == "__main__":
    unittest.main(verbosity=2)
