"""hubseal-agent import-mcm, and the export that it reads."""

import json
import os
import signal
import subprocess

import agent_support
from agent_outbound import CLIENT_KEY
from agent_pki import Pki
from agent_support import PROGRAM, Agent, OwnAgents, config_text, new_csr
from mcm_export import Mcm

PLAIN = {"address": "163.10.24.28/30", "ports": ["443"]}
TIME = "2025-11-23 10:00:00"


class ImportTest(OwnAgents):
    def setUp(self):
        super().setUp()
        self.mcm = Mcm()
        self.pki = Pki(self.folder)
        self.hub_ca = self.pki.make("Old Hub CA")
        self.root = self.pki.make("Bank CA")

    def csr(self, name, **options):
        """A CSR, and the PEM of its private key."""
        text = new_csr(self.folder, subject=f"/CN={name}", **options)
        with open(os.path.join(self.folder, "dfsp.key"), encoding="ascii") as file:
            return text, file.read()

    def enrol(self, direction, number, *, secret=None, enrollment=None, **members):
        enrollment = enrollment or self.mcm.next_id()
        record = {"id": enrollment, "csrInfo": {}, "validations": [], "validationState": "VALID", **members}
        self.mcm.secrets[f"dfsp-{direction}-enrollment/{number}/{enrollment}"] = {**record, **({"key": secret} if secret else {})}
        return enrollment

    hub_keys = 'id = "hub"\njws_key = "hub-jws"\n'
    settings = {}

    def command(self, *options, dump=None, vault=None):
        files = {"dump": self.mcm.dump() if dump is None else dump, "vault": self.mcm.vault() if vault is None else vault}
        for name, text in files.items():
            files[name] = os.path.join(self.folder, "mcm." + name)
            with open(files[name], "wb") as file:
                file.write(text if isinstance(text, bytes) else text.encode())
        path = os.path.join(self.folder, "import.toml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(config_text(self.folder, self.daemon.socket_path, store=agent_support.store(self.folder),
                                   hub=self.hub_keys, **self.settings))
        os.chmod(path, 0o600)
        return subprocess.run([PROGRAM, "import-mcm", "--config", path, "--dump", files["dump"], "--vault", files["vault"], *options],
                              capture_output=True, text=True, timeout=120, check=False)

    def imported(self, **forms):
        done = self.command("--json", **forms)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def refused(self, words, **forms):
        done = self.command(**forms)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertIn(words, done.stderr)

    def lines(self, report, part):
        """{where: the reason}"""
        return {line["where"]: list(line.values())[1] for line in report[part]}

    def agent(self):
        agent = Agent(self.folder, self.daemon, hub=CLIENT_KEY.format("ec_p256"))
        self.addCleanup(agent.stop, signal.SIGKILL)
        return agent

    def ok(self, agent, path, method="GET", body=None):
        status, answer, _ = agent.ask(method, "/api" + path, body)
        self.assertEqual(status, 200, answer)
        return answer
