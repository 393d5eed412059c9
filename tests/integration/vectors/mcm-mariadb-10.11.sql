/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: mcm
-- ------------------------------------------------------
-- Server version	10.11.19-MariaDB-0+deb12u1

/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40101 SET @OLD_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS */;
/*!40101 SET @OLD_COLLATION_CONNECTION=@@COLLATION_CONNECTION */;
/*!40101 SET NAMES utf8mb4 */;
/*!40103 SET @OLD_TIME_ZONE=@@TIME_ZONE */;
/*!40103 SET TIME_ZONE='+00:00' */;
/*!40014 SET @OLD_UNIQUE_CHECKS=@@UNIQUE_CHECKS, UNIQUE_CHECKS=0 */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;

--
-- Table structure for table `currency`
--

DROP TABLE IF EXISTS `currency`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `currency` (
  `currencyId` varchar(3) NOT NULL,
  `name` varchar(128) DEFAULT NULL,
  `scale` int(10) unsigned NOT NULL DEFAULT 4,
  `isActive` tinyint(1) NOT NULL DEFAULT 1,
  `createdDate` datetime NOT NULL DEFAULT current_timestamp(),
  `enabled` tinyint(1) NOT NULL DEFAULT 0,
  PRIMARY KEY (`currencyId`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `currency`
--

LOCK TABLES `currency` WRITE;
/*!40000 ALTER TABLE `currency` DISABLE KEYS */;
INSERT INTO `currency` VALUES
('EUR','Euro',4,1,'2026-01-01 00:00:00',0);
/*!40000 ALTER TABLE `currency` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `dfsp_endpoint`
--

DROP TABLE IF EXISTS `dfsp_endpoint`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `dfsp_endpoint` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `dfsp_id` int(10) unsigned NOT NULL,
  `state` varchar(512) NOT NULL,
  `direction` varchar(512) NOT NULL,
  `value` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (json_valid(`value`)),
  `created_at` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` varchar(1024) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `dfsp_endpoint_dfsp_id_foreign` (`dfsp_id`),
  CONSTRAINT `dfsp_endpoint_dfsp_id_foreign` FOREIGN KEY (`dfsp_id`) REFERENCES `dfsps` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `dfsp_endpoint`
--

LOCK TABLES `dfsp_endpoint` WRITE;
/*!40000 ALTER TABLE `dfsp_endpoint` DISABLE KEYS */;
INSERT INTO `dfsp_endpoint` VALUES
(1,2,'NOT_STARTED','EGRESS','{\"ipList\": [{\"address\": \"192.0.2.10\", \"ports\": [\"443\"], \"description\": \"one \\\"two\\\"\"}]}','2025-11-23 10:00:00',NULL);
/*!40000 ALTER TABLE `dfsp_endpoint` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `dfsp_endpoint_items`
--

DROP TABLE IF EXISTS `dfsp_endpoint_items`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `dfsp_endpoint_items` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `dfsp_id` int(10) unsigned NOT NULL,
  `state` varchar(512) DEFAULT NULL,
  `direction` varchar(512) DEFAULT NULL,
  `value` varchar(1024) DEFAULT NULL,
  `type` varchar(10) DEFAULT NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` varchar(1024) DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `dfsp_endpoint_items_dfsp_id_foreign` (`dfsp_id`),
  CONSTRAINT `dfsp_endpoint_items_dfsp_id_foreign` FOREIGN KEY (`dfsp_id`) REFERENCES `dfsps` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `dfsp_endpoint_items`
--

LOCK TABLES `dfsp_endpoint_items` WRITE;
/*!40000 ALTER TABLE `dfsp_endpoint_items` DISABLE KEYS */;
INSERT INTO `dfsp_endpoint_items` VALUES
(1,1,'CONFIRMED','EGRESS','{\"address\":\"163.10.24.28/30\",\"ports\":[\"443\",\"8080-8090\"]}','IP','2025-11-23 10:00:00',NULL),
(2,1,'NEW','INGRESS','{\"url\":\"https://bank1.example/fspiop\"}','URL','2025-11-23 10:00:00','o\'brien');
/*!40000 ALTER TABLE `dfsp_endpoint_items` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `dfsp_states_status`
--

DROP TABLE IF EXISTS `dfsp_states_status`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `dfsp_states_status` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `dfspId` varchar(512) NOT NULL,
  `PEER_JWS` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`PEER_JWS`)),
  `DFSP_JWS` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`DFSP_JWS`)),
  `DFSP_CA` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`DFSP_CA`)),
  `DFSP_SERVER_CERT` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`DFSP_SERVER_CERT`)),
  `DFSP_CLIENT_CERT` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`DFSP_CLIENT_CERT`)),
  `HUB_CA` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`HUB_CA`)),
  `HUB_CERT` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`HUB_CERT`)),
  `HUB_CLIENT_CERT` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`HUB_CLIENT_CERT`)),
  `ENDPOINT_CONFIG` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`ENDPOINT_CONFIG`)),
  `UPLOAD_PEER_JWS` longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL CHECK (json_valid(`UPLOAD_PEER_JWS`)),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `dfsp_states_status`
--

LOCK TABLES `dfsp_states_status` WRITE;
/*!40000 ALTER TABLE `dfsp_states_status` DISABLE KEYS */;
INSERT INTO `dfsp_states_status` VALUES
(1,'bank1',NULL,NULL,'{\"status\": \"completed\", \"lastUpdated\": \"2025-11-23T10:00:00.000Z\", \"stateDescription\": \"it\'s \\\\ done\"}',NULL,NULL,NULL,NULL,NULL,NULL,NULL);
/*!40000 ALTER TABLE `dfsp_states_status` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `dfsps`
--

DROP TABLE IF EXISTS `dfsps`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `dfsps` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(512) NOT NULL,
  `dfsp_id` varchar(512) DEFAULT NULL,
  `security_group` varchar(256) DEFAULT NULL,
  `monetaryZoneId` varchar(3) DEFAULT NULL,
  `isProxy` tinyint(1) DEFAULT NULL,
  `watch` tinyint(1) DEFAULT 1,
  `pingStatus` varchar(255) DEFAULT NULL,
  `lastUpdatedPingStatusAt` datetime DEFAULT current_timestamp(),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `dfsps`
--

LOCK TABLES `dfsps` WRITE;
/*!40000 ALTER TABLE `dfsps` DISABLE KEYS */;
INSERT INTO `dfsps` VALUES
(1,'Banque d\'Épargne \"Ünïon\"; -- \\ 銀行\n(2)','bank1','Application/DFSP:bank1','EUR',0,1,'SUCCESS','2026-01-02 03:04:05'),
(2,'proxy.2','proxy.2',NULL,NULL,1,1,NULL,'2026-01-02 03:04:05');
/*!40000 ALTER TABLE `dfsps` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `external_dfsps`
--

DROP TABLE IF EXISTS `external_dfsps`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `external_dfsps` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `external_dfsp_id` varchar(255) NOT NULL,
  `source_dfsp_id` varchar(255) NOT NULL,
  `updated_at` datetime NOT NULL DEFAULT current_timestamp(),
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `external_dfsps`
--

LOCK TABLES `external_dfsps` WRITE;
/*!40000 ALTER TABLE `external_dfsps` DISABLE KEYS */;
/*!40000 ALTER TABLE `external_dfsps` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `fxp_supported_currencies`
--

DROP TABLE IF EXISTS `fxp_supported_currencies`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `fxp_supported_currencies` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `dfspId` int(10) unsigned NOT NULL,
  `monetaryZoneId` varchar(3) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `fxp_supported_currencies`
--

LOCK TABLES `fxp_supported_currencies` WRITE;
/*!40000 ALTER TABLE `fxp_supported_currencies` DISABLE KEYS */;
/*!40000 ALTER TABLE `fxp_supported_currencies` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `gid`
--

DROP TABLE IF EXISTS `gid`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `gid` (
  `pk` enum('singleton') NOT NULL,
  `id` bigint(20) DEFAULT NULL,
  PRIMARY KEY (`pk`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `gid`
--

LOCK TABLES `gid` WRITE;
/*!40000 ALTER TABLE `gid` DISABLE KEYS */;
INSERT INTO `gid` VALUES
('singleton',1);
/*!40000 ALTER TABLE `gid` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `hub_endpoint_items`
--

DROP TABLE IF EXISTS `hub_endpoint_items`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `hub_endpoint_items` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `state` varchar(512) DEFAULT NULL,
  `direction` varchar(512) DEFAULT NULL,
  `value` varchar(1024) DEFAULT NULL,
  `type` varchar(10) DEFAULT NULL,
  `created_date` datetime NOT NULL DEFAULT current_timestamp(),
  `created_by` varchar(1024) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `hub_endpoint_items`
--

LOCK TABLES `hub_endpoint_items` WRITE;
/*!40000 ALTER TABLE `hub_endpoint_items` DISABLE KEYS */;
INSERT INTO `hub_endpoint_items` VALUES
(1,'CONFIRMED','EGRESS','{\"address\":\"198.51.100.7\",\"ports\":[\"443\"]}','IP','2025-11-23 10:00:00',NULL);
/*!40000 ALTER TABLE `hub_endpoint_items` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `inbound_enrollments`
--

DROP TABLE IF EXISTS `inbound_enrollments`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `inbound_enrollments` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `dfsp_id` int(10) unsigned NOT NULL,
  `csr` mediumtext DEFAULT NULL,
  PRIMARY KEY (`id`),
  KEY `inbound_enrollments_dfsp_id_foreign` (`dfsp_id`),
  CONSTRAINT `inbound_enrollments_dfsp_id_foreign` FOREIGN KEY (`dfsp_id`) REFERENCES `dfsps` (`id`) ON DELETE CASCADE
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `inbound_enrollments`
--

LOCK TABLES `inbound_enrollments` WRITE;
/*!40000 ALTER TABLE `inbound_enrollments` DISABLE KEYS */;
/*!40000 ALTER TABLE `inbound_enrollments` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `knex_migrations`
--

DROP TABLE IF EXISTS `knex_migrations`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `knex_migrations` (
  `id` int(10) unsigned NOT NULL AUTO_INCREMENT,
  `name` varchar(255) DEFAULT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `knex_migrations`
--

LOCK TABLES `knex_migrations` WRITE;
/*!40000 ALTER TABLE `knex_migrations` DISABLE KEYS */;
INSERT INTO `knex_migrations` VALUES
(1,'20190426165042_create_tables.js');
/*!40000 ALTER TABLE `knex_migrations` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `monetaryZone`
--

DROP TABLE IF EXISTS `monetaryZone`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `monetaryZone` (
  `monetaryZoneId` varchar(3) NOT NULL,
  `name` varchar(256) NOT NULL,
  `description` varchar(512) DEFAULT NULL,
  `isActive` tinyint(1) NOT NULL DEFAULT 1,
  `createdDate` datetime NOT NULL DEFAULT current_timestamp(),
  `createdBy` varchar(128) NOT NULL DEFAULT 'admin',
  PRIMARY KEY (`monetaryZoneId`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `monetaryZone`
--

LOCK TABLES `monetaryZone` WRITE;
/*!40000 ALTER TABLE `monetaryZone` DISABLE KEYS */;
INSERT INTO `monetaryZone` VALUES
('EUR','Euro',NULL,1,'2026-01-01 00:00:00','admin');
/*!40000 ALTER TABLE `monetaryZone` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Table structure for table `sessions`
--

DROP TABLE IF EXISTS `sessions`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE `sessions` (
  `session_id` varchar(255) NOT NULL,
  `expires` int(10) unsigned NOT NULL,
  `data` longtext NOT NULL,
  `created_at` datetime DEFAULT NULL,
  PRIMARY KEY (`session_id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='it''s (a) table';
/*!40101 SET character_set_client = @saved_cs_client */;

--
-- Dumping data for table `sessions`
--

LOCK TABLES `sessions` WRITE;
/*!40000 ALTER TABLE `sessions` DISABLE KEYS */;
INSERT INTO `sessions` VALUES
('x',1,'{\"a\":\"b\\\"c\"}',NULL);
/*!40000 ALTER TABLE `sessions` ENABLE KEYS */;
UNLOCK TABLES;

--
-- Dumping routines for database 'mcm'
--
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'NO_AUTO_VALUE_ON_ZERO' */ ;
/*!50003 DROP PROCEDURE IF EXISTS `create_gid` */;
/*!50003 SET @saved_cs_client      = @@character_set_client */ ;
/*!50003 SET @saved_cs_results     = @@character_set_results */ ;
/*!50003 SET @saved_col_connection = @@collation_connection */ ;
/*!50003 SET character_set_client  = utf8mb4 */ ;
/*!50003 SET character_set_results = utf8mb4 */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
DELIMITER ;;
CREATE DEFINER=`mcm`@`%` PROCEDURE `create_gid`()
BEGIN
  UPDATE gid SET id = LAST_INSERT_ID(id + 1); 
  SELECT LAST_INSERT_ID() AS id;
END
;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!50003 SET character_set_client  = @saved_cs_client */ ;
/*!50003 SET character_set_results = @saved_cs_results */ ;
/*!50003 SET collation_connection  = @saved_col_connection */ ;
/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE */;

/*!40101 SET SQL_MODE=@OLD_SQL_MODE */;
/*!40014 SET FOREIGN_KEY_CHECKS=@OLD_FOREIGN_KEY_CHECKS */;
/*!40014 SET UNIQUE_CHECKS=@OLD_UNIQUE_CHECKS */;
/*!40101 SET CHARACTER_SET_CLIENT=@OLD_CHARACTER_SET_CLIENT */;
/*!40101 SET CHARACTER_SET_RESULTS=@OLD_CHARACTER_SET_RESULTS */;
/*!40101 SET COLLATION_CONNECTION=@OLD_COLLATION_CONNECTION */;
/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;

-- Dump completed on 2026-11-29 17:58:39
