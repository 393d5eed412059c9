#!/usr/bin/env python3
"""hubseal-agent import-mcm: dumps and exports that are cut off, altered or written otherwise."""

import json
import os
import pathlib

import agent_support
from agent_import_support import PLAIN, TIME, ImportTest
from mcm_export import STATES, Mcm


class Files(ImportTest):
    def test_a_dump_that_is_cut_off_or_something_else_is_refused(self):
        self.mcm.add_dfsp("bank")
        whole = self.mcm.dump()
        insert = "INSERT INTO `dfsps` VALUES "
        for text, words in (("", "last line"), (whole.replace("-- Dump completed on", "-- done"), "it may be cut off"),
                            (whole[:whole.index(insert) + 40] + "\n-- Dump completed", "is the dump cut off?"),
                            (whole.replace("CREATE TABLE `gid`", "CREATE TABLE `pid`").replace("INTO `gid`", "INTO `pid`"), "no table gid"),
                            (whole.replace("`dfsp_id` varchar", "`identifier` varchar"), "has no column dfsp_id"),
                            *((whole.replace(f"`{state}` json", f"`{state}_` json"), f"has no column {state};") for state in STATES),
                            (whole.replace(insert + "(1,", insert + "("), "a row of table dfsps: found 8 values; wanted 9"),
                            (whole.replace(insert + "(1,", insert + "(1);\n" + insert + "(1,"), "a row of table dfsps: found 1 values; wanted 9"),
                            (whole.replace(insert + "(1,", insert + "(1,2,"), "a row of table dfsps: found more than 9 values"),
                            (whole.replace(insert + "(1,", insert + "(1 "), "wanted ')'"),
                            (whole.replace(insert, "LOAD DATA INFILE 'x' INTO TABLE y;\n" + insert), "a statement LOAD"),
                            (whole.replace(insert, insert + "(SELECT 1),"), 'found \\"SELECT'),
                            (whole.replace(insert, "INSERT INTO `other` VALUES (1);\n" + insert), "which was not created"),
                            (whole.replace(insert, "USE `a`;\nUSE `b`;\n" + insert), "several databases"),
                            (whole + whole, "two dumps in the file"),
                            (whole + "-- MySQL dump 10.13\nCREATE TABLE `other` (`id` int);\n", "two dumps in the file"),
                            (whole.encode().replace(b"'bank'", b"'b\xff'"), "not UTF-8"),
                            (whole.replace("'bank'", "'b\\0'"), "a NUL")):
            with self.subTest(words):
                self.refused(words, dump=text)
        self.assertEqual(self.imported()["stored"], {"participants": 1})

    def test_two_rows_with_one_number_are_told_as_that(self):
        for table in ("dfsps", "hub_endpoint_items"):
            self.mcm = Mcm()
            for name in ("bank1", "bank2"):
                self.mcm.add_dfsp(name)
                self.mcm.add("hub_endpoint_items", state="NEW", direction="EGRESS", type="IP", value=json.dumps(PLAIN), created_date=TIME)
            for row in self.mcm.rows[table]:
                row["id"] = 7
            self.refused(f"table {table} of the dump has two rows with the id 7; wanted a dump as mysqldump wrote it")

    def test_files_that_others_may_read_are_warned_of_and_read(self):
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        for mode, warned in ((0o600, 0), (0o640, 2), (0o604, 2)):
            for name in ("mcm.dump", "mcm.vault"):
                pathlib.Path(self.folder, name).touch()
                os.chmod(os.path.join(self.folder, name), mode)
            done = self.command("--dry-run")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(done.stderr.count("others may read what the Connection Manager kept secret"), warned)
            if warned:
                self.assertIn(f"file={self.folder}/mcm.dump mode=0{mode:o} wanted=0600", done.stderr)

    def test_a_dump_may_end_with_its_last_line_or_with_empty_ones(self):
        whole = self.mcm.dump()
        for end in (whole.rstrip("\n"), whole + "\r\n \n", whole[:whole.rindex(" on ")]):
            self.assertEqual(self.command("--dry-run", dump=end).returncode, 0)

    def test_an_export_that_is_no_object_of_records_is_refused(self):
        for text, words in (("[]", "no JSON object"), ("{", "the export: "), ('{"dfsp-ca/1": {}, "dfsp-ca/1": {}}', "dfsp-ca/1")):
            self.refused(words, vault=text)
        report = self.imported(vault=json.dumps({"dfsp-ca/1": 7, "dfsp-jws-certs/x/y/z": {}, "dfsp-inbound-enrollment/1/2": "text"}))
        self.assertEqual({"dfsp-ca/1", "dfsp-jws-certs/x/y/z", "dfsp-inbound-enrollment/1/2"} - set(self.lines(report, "left_out")), set())

    def test_hexadecimal_texts_and_texts_with_a_character_set_are_read(self):
        self.mcm.add_dfsp("bank", name="Name")
        self.imported(dump=self.mcm.dump().replace("'Name'", "_utf8mb4 0x42C3A46E6B"))
        self.assertEqual(self.ok(self.agent(), "/dfsps")[0]["name"], "Bänk")


class Real(ImportTest):
    """What mariadb-dump wrote (10.11, --routines --single-transaction): MariaDB had been given mcm_export's tables and these rows."""

    def test_a_dump_that_mariadb_wrote_says_what_was_in_it(self):
        dump = (pathlib.Path(__file__).parent / "vectors" / "mcm-mariadb-10.11.sql").read_bytes()
        report = self.imported(dump=dump, vault="{}")
        self.assertEqual(report["stored"]["participants"], 2)
        agent = self.agent()
        self.assertEqual(self.ok(agent, "/dfsps"), [
            {"id": "bank1", "name": "Banque d'Épargne \"Ünïon\"; -- \\ 銀行\n(2)", "monetaryZoneId": "EUR", "isProxy": 0,
             "securityGroup": "Application/DFSP:bank1"},
            {"id": "proxy.2", "name": "proxy.2", "isProxy": 1, "securityGroup": "Application/DFSP:proxy.2"}])
        self.assertEqual([(item["direction"], item["value"]) for item in self.ok(agent, "/dfsps/bank1/endpoints")],
                         [("EGRESS", {"address": "163.10.24.28/30", "ports": ["443", "8080-8090"]}),
                          ("INGRESS", {"url": "https://bank1.example/fspiop"})])
        self.assertEqual([item["value"]["address"] for item in self.ok(agent, "/hub/endpoints")], ["198.51.100.7"])
        self.assertEqual(self.ok(agent, "/dfsps/proxy.2/endpoints/egress")["ipList"],
                         [{"address": "192.0.2.10", "ports": ["443"], "description": 'one "two"'}])
        states = {one["dfspId"]: one for one in self.ok(agent, "/dfsps/states-status")["dfsps"]}
        self.assertEqual((states["bank1"]["pingStatus"], states["bank1"]["statesStatus"]),
                         ("SUCCESS", [{"state": "DFSP_CA", "status": "completed", "stateDescription": "it's \\ done",
                                       "lastUpdated": "2025-11-23T10:00:00.000Z"}]))


if __name__ == "__main__":
    agent_support.main()
