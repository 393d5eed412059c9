#!/usr/bin/env python3
"""Addresses and URLs of hub and DFSPs: items that people confirm, documents that connectors upload."""


import agent_support
from agent_support import AgentTest

TYPED = (("ingress/ips", "INGRESS", "IP"), ("egress/ips", "EGRESS", "IP"), ("ingress/urls", "INGRESS", "URL"))
IP = {"address": "163.10.24.28/30", "ports": ["80", "8000-8080"], "description": "callbacks"}
URL = {"url": "https://bank.example:443/path?x=1"}


def value_for(kind, number=1):
    if kind == "URL":
        return {"url": "https://bank%d.example/" % number}
    return {"address": "10.0.0.%d" % number, "ports": ["443"]}


class EndpointTest(AgentTest):
    def gone(self, path):
        status, body, headers = self.ask("DELETE", path)
        self.assertEqual((status, body), (204, None))
        self.assertNotIn("Content-Length", headers)


class Items(EndpointTest):
    """What holds for the hub's items and for a DFSP's alike."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for dfsp in ("bank1", "bank2"):
            cls.agent.ask("POST", "/api/dfsps", {"dfspId": dfsp, "name": "Bank"})

    places = (("/api/hub/endpoints", None), ("/api/dfsps/bank1/endpoints", "bank1"))

    def typed(self):
        for place, dfsp in self.places:
            for path, direction, kind in TYPED:
                yield place, dfsp, "%s/%s" % (place, path), direction, kind

    def test_a_new_item_has_the_members_that_clients_know_in_their_order(self):
        for _, dfsp, path, direction, kind in self.typed():
            item = self.ok("POST", path, {"value": IP if kind == "IP" else URL, "later": [1.5]})
            owner = ["dfsp_id"] if dfsp else []
            self.assertEqual(list(item), ["id", *owner, "state", "direction", "type", "created_date", "created_by", "value"])
            self.assertIsInstance(item["id"], int)
            self.assertEqual([item.get("dfsp_id"), item["state"], item["direction"], item["type"], item["created_by"]],
                             [dfsp, "NEW", direction, kind, None])
            self.assertRegex(item["created_date"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
            self.assertEqual(item["value"], IP if kind == "IP" else URL)

    def test_the_same_value_again_is_the_same_item(self):
        for _, _, path, _, kind in self.typed():
            first = self.ok("POST", path, {"value": value_for(kind, 2)})
            self.assertEqual(self.ok("POST", path, {"value": value_for(kind, 2)}), first)
            self.assertEqual(sum(item["value"] == value_for(kind, 2) for item in self.ok("GET", path)), 1)
            self.assertNotEqual(self.ok("POST", path, {"value": value_for(kind, 3)})["id"], first["id"])

    def test_an_item_is_read_changed_and_deleted_by_its_typed_route(self):
        # MCM_API 13.70, 13.74
        for _, _, path, _, kind in self.typed():
            item = self.ok("POST", path, {"value": value_for(kind, 4)})
            one = "%s/%d" % (path, item["id"])
            self.assertEqual(self.ok("GET", one), item)
            changed = self.ok("PUT", one, {"value": value_for(kind, 5)})
            self.assertEqual(changed, {**item, "value": value_for(kind, 5)})
            self.assertEqual(self.ok("PUT", one, changed), changed)  # what was read, sent back
            self.assertIn(changed, self.ok("GET", path))
            self.gone(one)
            for method in ("GET", "PUT", "DELETE"):
                self.assertEqual(self.refused(method, one, {"value": value_for(kind, 5)}, 404, "Item with id: ")["payload"]["id"],
                                 "NotFoundError")
            self.assertNotIn(item["id"], [other["id"] for other in self.ok("GET", path)])

    def test_an_item_is_read_changed_and_deleted_by_its_number_alone(self):
        for place, _, path, _, kind in self.typed():
            item = self.ok("POST", path, {"value": value_for(kind, 6)})
            one = "%s/%d" % (place, item["id"])
            self.assertEqual(self.ok("GET", one), item)
            self.assertEqual(self.ok("PUT", one, {"value": value_for(kind, 7)})["value"], value_for(kind, 7))
            self.gone(one)
            self.refused("GET", one, status=404)

    def test_an_item_of_another_kind_is_refused_by_a_typed_route(self):
        for place, _, path, direction, kind in self.typed():
            item = self.ok("POST", path, {"value": value_for(kind, 8)})
            for other, other_direction, other_kind in TYPED:
                if (other_direction, other_kind) == (direction, kind):
                    continue
                one = "%s/%s/%d" % (place, other, item["id"])
                text = "Wrong direction" if other_direction != direction else "Wrong type"
                for method in ("GET", "PUT", "DELETE"):
                    self.refused(method, one, {"value": value_for(other_kind, 9)}, text=text)
            self.assertEqual(self.ok("GET", "%s/%d" % (path, item["id"])), item)

    def test_a_change_of_direction_type_number_or_owner_is_refused_or_ignored(self):
        # MCM_API 13.60
        for place, _, path, direction, kind in self.typed():
            item = self.ok("POST", path, {"value": value_for(kind, 10)})
            for one in ("%s/%d" % (path, item["id"]), "%s/%d" % (place, item["id"])):
                value = value_for(kind, 10)
                self.refused("PUT", one, {"value": value, "direction": "EGRESS" if direction == "INGRESS" else "INGRESS"},
                             text="Bad direction value")
                self.refused("PUT", one, {"value": value, "type": "IP" if kind == "URL" else "URL"}, text="Bad type value")
                self.assertEqual(self.ok("PUT", one, {"value": value, "id": 777777, "dfsp_id": "bank2", "dfspId": "bank2",
                                                      "created_by": "me", "created_date": "2000-01-01T00:00:00.000Z"}), item)
            self.refused("GET", place + "/777777", status=404)

    def test_a_change_without_a_value_or_with_one_of_another_type_is_refused(self):
        for place, dfsp, path, _, kind in self.typed():
            item = self.ok("POST", path, {"value": value_for(kind, 11)})
            other = value_for("IP" if kind == "URL" else "URL", 11)
            self.refused("PUT", "%s/%d" % (path, item["id"]), {}, text="should have required property 'value'")
            self.refused("PUT", "%s/%d" % (path, item["id"]), {"value": other})
            refused = self.refused("PUT", "%s/%d" % (place, item["id"]), {})
            self.assertEqual(refused["message"], 'nothing to change; wanted "value"' + ("" if dfsp else ' or "state"'))
            self.refused("PUT", "%s/%d" % (place, item["id"]), {"value": other}, text="Bad type value")
            for bad in ({}, {**IP, **URL}, {"address": "10.0.0.1"}, {"ports": ["1"]}):
                self.refused("PUT", "%s/%d" % (place, item["id"]), {"value": bad})

    def test_a_number_that_is_none_is_refused(self):
        # MCM_API 13.21, 13.58
        for place, _ in self.places:
            for text in ("12abc", "abc", "1e3", "0x10", "-1", "9" * 30, "%20"):
                for path in (place, place + "/ingress/ips"):
                    self.refused("GET", "%s/%s" % (path, text), text="request.params.epId should be integer")

    def test_values_that_are_no_addresses_and_ports_are_refused(self):
        # MCM_API 13.59
        good = {"address": "10.1.2.3", "ports": ["1"]}
        addresses = ("", "10.1.2", "10.1.2.3.4", "010.1.2.3", "10.1.2.256", "10.1.2.3/33", "10.1.2.3/", "10.1.2.3/08",
                     "10.1.2.3/-1", "10.1.2.3 ", "bank.example", "10.1.2.3/8/8", "0x0a.1.2.3", "2001:db8::/129", "2001:db8::g",
                     "fe80::1%eth0", "10.1.2.3\n")
        ports = ("", " 80 ", "0x50", "1e3", "65536", "8080-8000", "80-", "-80", "80-90-100", "+80", "80,81", "any", "-1", "8 0")
        values = [{**good, "address": address} for address in addresses] + [{**good, "ports": [port]} for port in ports]
        values += [{**good, "ports": []}, {**good, "ports": "80"}, {**good, "ports": [80]}, {**good, "ports": ["1"] * 65},
                   {"address": "10.1.2.3"}, {"ports": ["1"]}, {**good, "extra": 1}, {**good, "description": "x" * 513},
                   {**good, "description": None}, {**good, "address": None}, {**good, "url": "http://a"}, {}, [], None, "x"]
        for place, _ in self.places:
            before = self.ok("GET", place)
            for value in values:
                self.refused("POST", place + "/egress/ips", {"value": value})
            self.refused("POST", place + "/egress/ips", {})
            self.assertEqual(self.ok("GET", place), before)

    def test_networks_that_would_open_a_filter_to_everybody_are_refused(self):
        # MCM_API 13.12
        for address in ("0.0.0.0/0", "::/0", "1.2.3.4/0", "2001:db8::1/0", "0.0.0.0", "::", "0.0.0.0/1", "128.0.0.0/1",
                        "8000::/1", "2000::/3", "::ffff:0.0.0.0/96", "::ffff:0:0/96", "64.0.0.0/7", "::1", "127.0.0.1", "169.254.169.254", "255.255.255.255", "10.1.2.3/8"):
            for place, _ in self.places:
                self.refused("POST", place + "/egress/ips", {"value": {"address": address, "ports": ["443"]}}, text="address is")

    def test_good_addresses_and_ports_are_kept_as_they_were_sent(self):
        for place, _ in self.places:
            for address in ("10.0.0.0/9", "163.10.24.28/32", "2001:db8::1", "2001:DB8::/32", "223.255.255.255"):
                value = {"address": address, "ports": ["0", "65535", "0-65535", "80-80"]}
                self.assertEqual(self.ok("POST", place + "/ingress/ips", {"value": value})["value"], value)

    def test_values_that_are_no_urls_are_refused(self):
        for url in ("", "bank.example", "//bank.example", "ftp://bank.example", "javascript:alert(1)", "http://", "https:///path",
                    "http://user@bank.example", "http://user:pw@bank.example", "http://bank.example:99999", "http://bank.example:", "https://http://bank.example",
                    "http://https://bank.example",
                    "http://a b", "http://bank.example/\n- inject", "http://bank.example/{{x}}", "http://[::1", "http://[zz]/",
                    "http://b\u00e4nk.example", "http://x/" + "y" * 1024, "http://ba$(id)nk/"):
            for place, _ in self.places:
                self.refused("POST", place + "/ingress/urls", {"value": {"url": url}})
        for value in ({}, {"url": None}, {"url": "http://a", "extra": 1}, {"url": ["http://a"]}):
            self.refused("POST", "/api/hub/endpoints/ingress/urls", {"value": value})

    def test_urls_with_ports_paths_and_addresses_are_accepted(self):
        for url in ("http://bank.example", "https://bank.example:8443", "https://10.0.0.1/a?b=c#d", "https://[2001:db8::1]:443/",
                    "http://localhost:3000"):
            self.assertEqual(self.ok("POST", "/api/hub/endpoints/ingress/urls", {"value": {"url": url}})["value"], {"url": url})

    def test_members_that_a_value_does_not_have_are_named_in_the_shape_of_schema_errors(self):
        body = self.refused("POST", "/api/hub/endpoints/egress/ips", {"value": {**IP, "open": True}},
                            text="request.body.value should NOT have additional properties")
        self.assertEqual(body["errors"], [{"path": ".body.value.open", "message": "should NOT have additional properties",
                                           "errorCode": "additionalProperties.openapi.validation"}])


class Owners(EndpointTest):
    """Whose items they are, and who says that they are good."""

    def item(self, dfsp, number=1, kind="ips"):
        return self.ok("POST", "/api/dfsps/%s/endpoints/egress/%s" % (dfsp, kind), {"value": value_for("IP", number)})

    def test_nobody_reaches_an_item_of_another_dfsp_or_of_the_hub(self):
        # MCM_API 13.13
        for dfsp in ("own1", "own2"):
            self.add_dfsp(dfsp)
        mine = self.item("own1")
        for place in ("/api/dfsps/own2/endpoints", "/api/hub/endpoints"):
            for path in ("", "/egress/ips"):
                one = "%s%s/%d" % (place, path, mine["id"])
                for method in ("GET", "PUT", "DELETE"):
                    self.refused(method, one, {"value": value_for("IP", 66)}, 404, "Item with id: ")
        self.refused("POST", "/api/dfsps/own2/endpoints/%d/confirmation" % mine["id"], status=404)
        self.assertEqual(self.ok("GET", "/api/dfsps/own1/endpoints/%d" % mine["id"]), mine)
        self.assertEqual(self.ok("GET", "/api/dfsps/own2/endpoints"), [])

    def test_a_dfsp_that_is_not_there_is_404_on_every_route(self):
        # MCM_API 13.76
        base = "/api/dfsps/nobody/endpoints"
        for method, path, body in [("GET", "", None), ("GET", "/unprocessed", None), ("GET", "/ingress", None), ("GET", "/egress", None),
                                   ("POST", "/ingress", URL), ("POST", "/egress", {"ipList": [IP]}), ("POST", "/1/confirmation", None)]:
            self.refused(method, base + path, body, 404, "DFSP with id nobody not found")
        for path, _, kind in TYPED:
            value = {"value": value_for(kind)}
            for method, rest, body in (("GET", "", None), ("POST", "", value), ("GET", "/1", None), ("PUT", "/1", value), ("DELETE", "/1", None)):
                self.refused(method, "%s/%s%s" % (base, path, rest), body, 404, "DFSP with id nobody not found")
        for method in ("GET", "PUT", "DELETE"):
            self.refused(method, base + "/1", {"value": IP}, 404, "DFSP with id nobody not found")

    def test_hub_and_dfsps_number_their_items_by_themselves(self):
        self.add_dfsp("seq1")
        self.add_dfsp("seq2")
        numbers = [self.item("seq1", 20)["id"], self.item("seq2", 20)["id"], self.item("seq1", 21)["id"]]
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + 3)))
        path = "/api/hub/endpoints/egress/ips"
        first = self.ok("POST", path, {"value": value_for("IP", 20)})["id"]
        self.item("seq2", 22)
        self.assertEqual(self.ok("POST", path, {"value": value_for("IP", 21)})["id"], first + 1)
        self.assertEqual([item["id"] for item in self.ok("GET", "/api/dfsps/seq1/endpoints")], [numbers[0], numbers[2]])

    def test_a_dfsps_new_items_are_unprocessed_until_they_are_confirmed(self):
        self.add_dfsp("conf1")
        self.add_dfsp("conf2")
        mine, other = self.item("conf1", 30), self.item("conf2", 31)
        everything = self.ok("GET", "/api/dfsps/endpoints/unprocessed")
        self.assertIn(mine, everything)
        self.assertIn(other, everything)
        self.assertEqual(self.ok("GET", "/api/dfsps/conf1/endpoints/unprocessed"), [mine])
        confirmed = self.ok("POST", "/api/dfsps/conf1/endpoints/%d/confirmation" % mine["id"])
        self.assertEqual(confirmed, {**mine, "state": "CONFIRMED"})
        self.assertEqual(self.ok("POST", "/api/dfsps/conf1/endpoints/%d/confirmation" % mine["id"], {"any": "thing"}), confirmed)
        self.assertEqual(self.ok("GET", "/api/dfsps/conf1/endpoints/unprocessed"), [])
        self.assertNotIn(mine["id"], [item["id"] for item in self.ok("GET", "/api/dfsps/endpoints/unprocessed")])
        self.refused("POST", "/api/dfsps/conf1/endpoints/999999/confirmation", status=404, text="Item with id: 999999")
        self.refused("POST", "/api/dfsps/conf1/endpoints/x/confirmation", text="should be integer")

    def test_a_dfsp_cannot_confirm_its_own_item(self):
        # MCM_API 13.11
        self.add_dfsp("self1")
        item = self.item("self1", 40)
        for path in ("", "/egress/ips"):
            one = "/api/dfsps/self1/endpoints%s/%d" % (path, item["id"])
            self.refused("PUT", one, {"state": "CONFIRMED"})
            self.refused("PUT", one, {"value": item["value"], "state": "CONFIRMED"}, text="when the hub confirms it")
            self.assertEqual(self.ok("GET", one)["state"], "NEW")

    def test_a_confirmed_item_whose_value_changes_has_to_be_confirmed_again(self):
        self.add_dfsp("edit1")
        item = self.item("edit1", 50)
        one = "/api/dfsps/edit1/endpoints/%d" % item["id"]
        self.ok("POST", one + "/confirmation")
        self.assertEqual(self.ok("PUT", one, {"value": value_for("IP", 50)})["state"], "CONFIRMED")
        self.assertEqual(self.ok("PUT", one, {"value": value_for("IP", 51)})["state"], "NEW")
        self.assertEqual([found["id"] for found in self.ok("GET", "/api/dfsps/edit1/endpoints/unprocessed")], [item["id"]])

    def test_the_hubs_items_change_their_state_by_number_and_keep_it_when_their_value_changes(self):
        # MCM_API 13.71
        path = "/api/hub/endpoints/ingress/ips"
        item = self.ok("POST", path, {"value": value_for("IP", 60)})
        one = "/api/hub/endpoints/%d" % item["id"]
        self.assertEqual(self.ok("PUT", one, {"state": "CONFIRMED"}), {**item, "state": "CONFIRMED"})
        self.assertEqual(self.ok("PUT", one, {"value": value_for("IP", 61)})["state"], "CONFIRMED")
        self.assertEqual(self.ok("PUT", one, {"state": "INVALID", "value": value_for("IP", 62)})["state"], "INVALID")
        self.refused("PUT", one, {"state": "GOOD"}, text="should be equal to one of the allowed values")
        self.refused("PUT", "%s/%d" % (path, item["id"]), {"value": value_for("IP", 62), "state": "CONFIRMED"}, text="state is")
        self.refused("POST", one + "/confirmation", status=404)

    def test_a_participants_addresses_are_together_no_wider_than_the_widest_network(self):
        self.add_dfsp("wide")
        path = "/api/dfsps/wide/endpoints/"
        value = lambda address: {"value": {"address": address, "ports": ["443"]}}
        one = self.ok("POST", path + "egress/ips", value("10.0.0.0/9"))
        self.ok("POST", path + "ingress/ips", value("10.128.0.0/9"))
        for address in ("10.1.0.0/16", "10.0.0.0/8", "10.0.0.1"):  # nothing new
            self.ok("POST", path + "ingress/ips", value(address))
        before = self.ok("GET", path[:-1])
        for address in ("11.0.0.1", "11.0.0.0/9", "192.0.2.0/24"):
            for kind in ("ingress/ips", "egress/ips"):
                self.refused("POST", path + kind, value(address), 409, "IPv4 addresses together")
            self.refused("PUT", path + str(one["id"]), value(address), 409, "IPv4 addresses together")
        self.assertEqual(self.ok("GET", path[:-1]), before)
        self.ok("POST", path + "egress/ips", value("2a00::/16"))
        self.refused("POST", path + "egress/ips", value("2400::1"), 409, "IPv6 networks of 64 bits together")
        for item in before:  # who gives something back may take something else
            self.gone(path + str(item["id"]))
        self.ok("POST", path + "egress/ips", value("11.0.0.0/8"))

    def test_one_participant_cannot_hide_what_waits_of_another(self):
        connection = self.agent.connection()
        for dfsp in ("crowd1", "crowd2", "crowd3"):
            self.add_dfsp(dfsp)
            for number in range(200):
                path = "/api/dfsps/%s/endpoints/egress/ips" % dfsp
                self.assertEqual(self.ask("POST", path, {"value": value_for("IP", number)}, connection=connection)[0], 200)
        connection.close()
        self.add_dfsp("quiet")
        mine = self.item("quiet")
        shown = self.ok("GET", "/api/dfsps/endpoints/unprocessed")
        self.assertEqual(len(shown), 500)
        self.assertIn(mine, shown)
        counts = [sum(item["dfsp_id"] == dfsp for item in shown) for dfsp in ("crowd1", "crowd2", "crowd3")]
        self.assertLessEqual(max(counts) - min(counts), 1)

    def test_an_owner_has_a_bounded_number_of_items(self):
        self.add_dfsp("full")
        path = "/api/dfsps/full/endpoints/egress/ips"
        connection = self.agent.connection()
        for number in range(200):
            status, _, _ = self.ask("POST", path, {"value": value_for("IP", number)}, connection=connection)
            self.assertEqual(status, 200)
        self.refused("POST", path, {"value": value_for("IP", 250)}, 409, "wanted fewer than 200")
        self.assertEqual(len(self.ok("GET", path)), 200)
        self.ok("POST", path, {"value": value_for("IP", 7)})  # one that is there
        connection.close()


class Documents(EndpointTest):
    """What connectors upload: version 2 of endpoints."""

    def test_the_latest_document_counts_and_a_repetition_changes_nothing(self):
        self.add_dfsp("doc1")
        for direction, first, second in (("ingress", {"url": "https://one.example"}, {"url": "https://two.example:443"}),
                                         ("egress", {"ipList": [IP]}, {"ipList": [value_for("IP", 1), value_for("IP", 2)]})):
            path = "/api/dfsps/doc1/endpoints/" + direction
            body = self.refused("GET", path, status=404, text="Endpoint configuration not found!")
            self.assertEqual(body["payload"]["id"], "NotFoundError")
            stored = self.ok("POST", path, first)
            self.assertEqual(list(stored), ["id", "dfspId", "state", "createdBy", "createdAt", *first])
            self.assertEqual([stored["dfspId"], stored["state"], stored["createdBy"]], ["doc1", "NOT_STARTED", None])
            self.assertEqual({member: stored[member] for member in first}, first)
            for _ in range(3):
                self.assertEqual(self.ok("POST", path, first), stored)
            latest = self.ok("POST", path, second)
            self.assertGreater(latest["id"], stored["id"])
            self.assertEqual(self.ok("GET", path), latest)
            back = self.ok("POST", path, first)  # an older one again is a new one
            self.assertGreater(back["id"], latest["id"])
            self.assertEqual(self.ok("GET", path), back)

    def test_the_history_of_documents_is_bounded(self):
        self.add_dfsp("history")
        path = "/api/dfsps/history/endpoints/ingress"
        for number in range(30):
            self.ok("POST", path, {"url": "https://bank.example/%d" % number})
        kept = agent_support.sql(self.folder, "SELECT COUNT(*) FROM dfsp_endpoints WHERE dfsp_id = 'history'")
        self.assertEqual(kept, [[20]])
        self.assertEqual(self.ok("GET", path)["url"], "https://bank.example/29")

    def test_other_members_are_refused(self):
        self.add_dfsp("closed")
        for path, body in (("ingress", {**URL, "state": "CONFIRMED"}), ("egress", {"ipList": [IP], "id": 1})):
            found = self.refused("POST", "/api/dfsps/closed/endpoints/" + path, body,
                                 text="request.body should NOT have additional properties")
            self.assertEqual(found["errors"][0]["errorCode"], "additionalProperties.openapi.validation")
            self.refused("GET", "/api/dfsps/closed/endpoints/" + path, status=404)

    def test_documents_that_say_nothing_or_open_everything_are_refused(self):
        # MCM_API 13.12, 13.16, 13.59
        self.add_dfsp("strict")
        wide = ("0.0.0.0/0", "::/0", "0.0.0.0", "128.0.0.0/1")
        for body in ({}, {"ipList": []}, {"ipList": [{}]}, {"ipList": [{"address": "10.0.0.1"}]}, {"ipList": [IP, IP]}, {"ipList": [IP] * 65},
                     {"ipList": [{**IP, "ports": []}]}, {"ipList": [{**IP, "ports": ["0x50"]}]}, {"ipList": [{**IP, "more": 1}]},
                     {"ipList": [{**IP, "address": "10.0.0.0/8"}, {**IP, "address": "11.0.0.0/8"}]},
                     {"ipList": IP}, {"ipList": None}, {"ipList": [1]}, *({"ipList": [{**IP, "address": address}]} for address in wide)):
            self.refused("POST", "/api/dfsps/strict/endpoints/egress", body)
        for body in ({}, {"url": ""}, {"url": None}, {"url": "bank.example"}, {"url": "http://a/{{ b }}"}):
            self.refused("POST", "/api/dfsps/strict/endpoints/ingress", body)

    def test_a_dfsp_sees_its_own_documents_only(self):
        self.add_dfsp("mine")
        self.add_dfsp("theirs")
        self.ok("POST", "/api/dfsps/mine/endpoints/ingress", URL)
        self.refused("GET", "/api/dfsps/theirs/endpoints/ingress", status=404, text="Endpoint configuration not found!")

    def test_documents_and_items_are_apart(self):
        self.add_dfsp("apart")
        self.ok("POST", "/api/dfsps/apart/endpoints/ingress", URL)
        self.assertEqual(self.ok("GET", "/api/dfsps/apart/endpoints"), [])


if __name__ == "__main__":
    agent_support.main()
