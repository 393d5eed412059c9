"""The hub's TLS keys in Java: keytool and a TLS client by SunPKCS11, over libhubseal-pkcs11.so."""

import subprocess
import unittest

import support_path
import rig
import tls_support
from tls_support import KINDS, program


class Java(tls_support.TlsRoom):
    def keytool(self, *words):
        config = self.room.write("hubseal.cfg", f"name = HubSeal\nlibrary = {rig.TLS_MODULE}\n")
        done = subprocess.run([program("keytool"), *words, "-keystore", "NONE", "-storetype", "PKCS11", "-storepass", "none", "-providerClass",
                               "sun.security.pkcs11.SunPKCS11", "-providerArg", config], env=self.environment(), capture_output=True,
                              text=True, timeout=rig.PATIENCE * 2, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_keytool_lists_the_keys_that_have_a_certificate_of_the_hub(self):
        shown = self.keytool("-list")
        for kind in KINDS:
            self.assertRegex(shown, f"hub-tls-{kind}, PrivateKeyEntry")
        self.assertNotIn("hub-client", shown)  # a key store of Java's shows no key without a certificate
        self.assertNotIn("hub-ca", shown)

    def test_keytool_shows_the_certificate_that_hubseald_issued(self):
        shown = self.keytool("-exportcert", "-rfc", "-alias", "hub-tls-rsa_2048")
        self.assertEqual("".join(shown.split()), "".join((self.room.folder / "hub-tls-rsa_2048.pem").read_text().split()))

    def test_what_java_signs_with_a_key_openssl_verifies_as_it_would_a_handshake(self):
        for kind, algorithm in (("rsa_2048", "SHA256withRSA"), ("rsa_2048", "RSASSA-PSS"), ("ec_p256", "SHA256withECDSA"), ("ec_p384", "SHA384withECDSA")):
            with self.subTest(kind, algorithm=algorithm):
                before = len(self.signed(key=f"hub-tls-{kind}"))
                csr = self.room.write("java.csr", self.keytool("-certreq", "-alias", f"hub-tls-{kind}", "-sigalg", algorithm))
                self.room.openssl("req", "-in", csr, "-verify", "-noout")
                self.assertGreater(len(self.signed(key=f"hub-tls-{kind}")), before)


if __name__ == "__main__":
    unittest.main(verbosity=2)
