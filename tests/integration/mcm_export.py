"""A Connection Manager 3.4.0 as operators export it: its database in mysqldump's form, and its KV store as JSON. The tables are
those of its last schema; names and addresses are invented, certificates are openssl(1)'s."""

import json

STATES = ["PEER_JWS", "DFSP_JWS", "DFSP_CA", "DFSP_SERVER_CERT", "DFSP_CLIENT_CERT", "HUB_CA", "HUB_CERT", "HUB_CLIENT_CERT",
          "ENDPOINT_CONFIG", "UPLOAD_PEER_JWS"]
ITEM = [("id", "int unsigned NOT NULL AUTO_INCREMENT"), ("dfsp_id", "int unsigned NOT NULL"), ("state", "varchar(512) DEFAULT NULL"),
        ("direction", "varchar(512) DEFAULT NULL"), ("value", "varchar(1024) DEFAULT NULL"), ("type", "varchar(10) DEFAULT NULL"),
        ("created_date", "datetime NOT NULL DEFAULT CURRENT_TIMESTAMP"), ("created_by", "varchar(1024) DEFAULT NULL")]
ID = ("id", "int unsigned NOT NULL AUTO_INCREMENT")
TABLES = {
    "currency": [("currencyId", "varchar(3) NOT NULL"), ("name", "varchar(128) DEFAULT NULL"),
                 ("scale", "int unsigned NOT NULL DEFAULT '4'"), ("isActive", "tinyint(1) NOT NULL DEFAULT '1'"),
                 ("createdDate", "datetime NOT NULL DEFAULT CURRENT_TIMESTAMP"), ("enabled", "tinyint(1) NOT NULL DEFAULT '0'")],
    "dfsp_endpoint": [ID, ("dfsp_id", "int unsigned NOT NULL"), ("state", "varchar(512) NOT NULL"), ("direction", "varchar(512) NOT NULL"),
                      ("value", "json NOT NULL"), ("created_at", "datetime NOT NULL DEFAULT CURRENT_TIMESTAMP"),
                      ("created_by", "varchar(1024) DEFAULT NULL")],
    "dfsp_endpoint_items": ITEM,
    "dfsp_states_status": [ID, ("dfspId", "varchar(512) NOT NULL"), *((name, "json DEFAULT NULL") for name in STATES)],
    "dfsps": [ID, ("name", "varchar(512) NOT NULL"), ("dfsp_id", "varchar(512) DEFAULT NULL"),
              ("security_group", "varchar(256) DEFAULT NULL"), ("monetaryZoneId", "varchar(3) DEFAULT NULL"),
              ("isProxy", "tinyint(1) DEFAULT NULL"), ("watch", "tinyint(1) DEFAULT '1'"), ("pingStatus", "varchar(255) DEFAULT NULL"),
              ("lastUpdatedPingStatusAt", "datetime DEFAULT CURRENT_TIMESTAMP")],
    "external_dfsps": [ID, ("external_dfsp_id", "varchar(255) NOT NULL"), ("source_dfsp_id", "varchar(255) NOT NULL"),
                       ("updated_at", "datetime NOT NULL DEFAULT CURRENT_TIMESTAMP")],
    "fxp_supported_currencies": [ID, ("dfspId", "int unsigned NOT NULL"), ("monetaryZoneId", "varchar(3) DEFAULT NULL")],
    "gid": [("pk", "enum('singleton') NOT NULL"), ("id", "bigint DEFAULT NULL")],
    "hub_endpoint_items": [column for column in ITEM if column[0] != "dfsp_id"],
    "inbound_enrollments": [ID, ("dfsp_id", "int unsigned NOT NULL"), ("csr", "mediumtext")],
    "knex_migrations": [ID, ("name", "varchar(255) DEFAULT NULL")],
    "monetaryZone": [("monetaryZoneId", "varchar(3) NOT NULL"), ("name", "varchar(256) NOT NULL"),
                     ("description", "varchar(512) DEFAULT NULL"), ("isActive", "tinyint(1) NOT NULL DEFAULT '1'"),
                     ("createdDate", "datetime NOT NULL DEFAULT CURRENT_TIMESTAMP"), ("createdBy", "varchar(128) NOT NULL DEFAULT 'admin'")],
    "sessions": [("session_id", "varchar(255) NOT NULL"), ("expires", "int unsigned NOT NULL"), ("data", "longtext NOT NULL"),
                 ("created_at", "datetime DEFAULT NULL")],
}
HEAD = """-- MySQL dump 10.13  Distrib 8.0.39, for Linux (x86_64)
--
-- Host: mysql    Database: mcm
-- ------------------------------------------------------
-- Server version\t8.0.39

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!50503 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
"""
ROUTINE = """
--
-- Dumping routines for database 'mcm'
--
/*!50003 DROP PROCEDURE IF EXISTS `create_gid` */;
DELIMITER ;;
CREATE DEFINER=`mcm`@`%` PROCEDURE `create_gid`()
BEGIN
  UPDATE gid SET id = LAST_INSERT_ID(id + 1); -- it's one row
  SELECT LAST_INSERT_ID() AS id;
END ;;
DELIMITER ;
"""
TAIL = """/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;

-- Dump completed on 2026-11-28 10:00:00
"""
ESCAPES = str.maketrans({"\0": "\\0", "\n": "\\n", "\r": "\\r", "\\": "\\\\", "'": "\\'", '"': '\\"', "\x1a": "\\Z"})


def literal(value):
    """As mysqldump writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, (dict, list)):
        value = json.dumps(value)
    return str(value) if isinstance(value, int) else "'%s'" % value.translate(ESCAPES)


class Mcm:
    """What is in it: rows by table, each a dict of some columns, and secrets by path."""

    def __init__(self):
        self.rows = {name: [] for name in TABLES}
        self.secrets = {}
        self.rows["gid"].append({"pk": "singleton", "id": 1})
        self.rows["knex_migrations"].append({"id": 1, "name": "20190426165042_create_tables.js"})
        self.add("currency", currencyId="EUR", name="Euro", scale=4, isActive=1, createdDate="2026-01-01 00:00:00", enabled=0)
        self.add("monetaryZone", monetaryZoneId="EUR", name="Euro", isActive=1, createdDate="2026-01-01 00:00:00", createdBy="admin")

    def add(self, table, **values):
        names = [name for name, _ in TABLES[table]]
        assert set(values) <= set(names), (table, values)
        defaults = {"id": len(self.rows[table]) + 1} if "id" in names else {}
        self.rows[table].append({**{name: None for name in names}, **defaults, **values})
        return self.rows[table][-1].get("id")

    def add_dfsp(self, dfsp_id, **values):
        return self.add("dfsps", **{"name": dfsp_id, "dfsp_id": dfsp_id, "security_group": "Application/DFSP:%s" % dfsp_id, "watch": 1,
                                    "lastUpdatedPingStatusAt": "2026-01-02 03:04:05", **values})

    def next_id(self):
        self.rows["gid"][0]["id"] += 1
        return self.rows["gid"][0]["id"]

    def dump(self, list_columns=False, one_row_each=False):
        """`list_columns` as with --complete-insert, `one_row_each` as with --skip-extended-insert."""
        text = HEAD
        for table, columns in TABLES.items():
            names = [name for name, _ in columns]
            definitions = ["  `%s` %s" % column for column in columns]
            definitions.append("  PRIMARY KEY (`%s`)" % names[0])
            if "dfsp_id" in names and table != "dfsps":
                definitions.append("  CONSTRAINT `%s_dfsp_id_foreign` FOREIGN KEY (`dfsp_id`) REFERENCES `dfsps` (`id`) ON DELETE CASCADE" % table)
            text += ("\n--\n-- Table structure for table `%s`\n--\n\nDROP TABLE IF EXISTS `%s`;\n"
                     "/*!40101 SET @saved_cs_client     = @@character_set_client */;\nCREATE TABLE `%s` (\n%s\n"
                     ") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COMMENT='it''s (a) table';\n"
                     "/*!40101 SET character_set_client = @saved_cs_client */;\n\nLOCK TABLES `%s` WRITE;\n"
                     "/*!40000 ALTER TABLE `%s` DISABLE KEYS */;\n") % (table, table, table, ",\n".join(definitions), table, table)
            rows = ["(%s)" % ",".join(literal(row.get(name)) for name in names) for row in self.rows[table]]
            listed = " (%s)" % ", ".join("`%s`" % name for name in names) if list_columns else ""
            for part in [[row] for row in rows] if one_row_each else [rows] if rows else []:
                text += "INSERT INTO `%s`%s VALUES %s;\n" % (table, listed, ",".join(part))
            text += "/*!40000 ALTER TABLE `%s` ENABLE KEYS */;\nUNLOCK TABLES;\n" % table
        return text + ROUTINE + TAIL

    def vault(self):
        return json.dumps(self.secrets)

    def nested_vault(self):
        """The same with an object for each part of a path, the mount first, and each secret as `vault kv get` gives it."""
        tree = {}
        for path, secret in self.secrets.items():
            *folders, last = ["secrets", *path.split("/")]
            place = tree
            for folder in folders:
                place = place.setdefault(folder + "/", {})
            place[last] = {"request_id": "1", "lease_id": "", "renewable": False, "lease_duration": 2764800, "data": secret}
        return json.dumps(tree)
