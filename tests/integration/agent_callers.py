"""Who may call each route of hubseal-agent: a list written by hand, asked of the real program."""

from agent_auth_support import MTA, PTA, AuthTest, dfsp
from agent_support import main

# Each route, and who of four callers may: "mta"; a participant's login, below /api/dfsps/ID that of this participant ("own") or of
# another ("other"); "anybody" also without a token. The hub's administrator (pta) may all but what only "own" may.
ROUTES = """
GET /health anybody
GET /api/health anybody
GET /config anybody
GET /api/config anybody
GET /docs anybody
GET /docs/page.css anybody
GET /docs/page.js anybody
GET /api-docs anybody
GET /pki/trust-bundle.pem anybody
GET /pki/intermediates.pem anybody
GET /pki/ocsp/{request} anybody
POST /pki/ocsp anybody
GET /pki/{file} anybody
GET /api/auth/login anybody
GET /api/auth/callback anybody
GET /api/auth/logout anybody
GET /api/auth/profile mta own other
GET /api/dfsps mta own other
POST /api/dfsps
GET /api/dfsps/endpoints/unprocessed
GET /api/dfsps/jwscerts mta own other
GET /api/dfsps/servercerts
GET /api/dfsps/states-status mta own other
GET /api/dfsps/{dfspId} mta own
PUT /api/dfsps/{dfspId}
DELETE /api/dfsps/{dfspId}
GET /api/dfsps/{dfspId}/ca mta own
POST /api/dfsps/{dfspId}/ca own
GET /api/dfsps/{dfspId}/credentials own
POST /api/dfsps/{dfspId}/credentials own
GET /api/dfsps/{dfspId}/endpoints mta own
GET /api/dfsps/{dfspId}/endpoints/egress mta own
POST /api/dfsps/{dfspId}/endpoints/egress mta own
GET /api/dfsps/{dfspId}/endpoints/egress/ips mta own
POST /api/dfsps/{dfspId}/endpoints/egress/ips mta own
GET /api/dfsps/{dfspId}/endpoints/egress/ips/{epId} mta own
PUT /api/dfsps/{dfspId}/endpoints/egress/ips/{epId} mta own
DELETE /api/dfsps/{dfspId}/endpoints/egress/ips/{epId} mta own
POST /api/dfsps/{dfspId}/endpoints/egress/{epId}/confirmation
GET /api/dfsps/{dfspId}/endpoints/ingress mta own
POST /api/dfsps/{dfspId}/endpoints/ingress mta own
GET /api/dfsps/{dfspId}/endpoints/ingress/ips mta own
POST /api/dfsps/{dfspId}/endpoints/ingress/ips mta own
GET /api/dfsps/{dfspId}/endpoints/ingress/ips/{epId} mta own
PUT /api/dfsps/{dfspId}/endpoints/ingress/ips/{epId} mta own
DELETE /api/dfsps/{dfspId}/endpoints/ingress/ips/{epId} mta own
GET /api/dfsps/{dfspId}/endpoints/ingress/urls mta own
POST /api/dfsps/{dfspId}/endpoints/ingress/urls mta own
GET /api/dfsps/{dfspId}/endpoints/ingress/urls/{epId} mta own
PUT /api/dfsps/{dfspId}/endpoints/ingress/urls/{epId} mta own
DELETE /api/dfsps/{dfspId}/endpoints/ingress/urls/{epId} mta own
POST /api/dfsps/{dfspId}/endpoints/ingress/{epId}/confirmation
GET /api/dfsps/{dfspId}/endpoints/unprocessed mta own
GET /api/dfsps/{dfspId}/endpoints/{epId} mta own
PUT /api/dfsps/{dfspId}/endpoints/{epId} mta own
DELETE /api/dfsps/{dfspId}/endpoints/{epId} mta own
POST /api/dfsps/{dfspId}/endpoints/{epId}/confirmation
GET /api/dfsps/{dfspId}/enrollments/inbound mta own
POST /api/dfsps/{dfspId}/enrollments/inbound mta own
GET /api/dfsps/{dfspId}/enrollments/inbound/{enId} mta own
POST /api/dfsps/{dfspId}/enrollments/inbound/{enId}/certificate
POST /api/dfsps/{dfspId}/enrollments/inbound/{enId}/sign
GET /api/dfsps/{dfspId}/enrollments/outbound mta own
POST /api/dfsps/{dfspId}/enrollments/outbound
POST /api/dfsps/{dfspId}/enrollments/outbound/csr
GET /api/dfsps/{dfspId}/enrollments/outbound/{enId} mta own
POST /api/dfsps/{dfspId}/enrollments/outbound/{enId}/certificate mta own
POST /api/dfsps/{dfspId}/enrollments/outbound/{enId}/validate
GET /api/dfsps/{dfspId}/jwscerts mta own
GET /api/dfsps/{dfspId}/jwscerts/challenge own
POST /api/dfsps/{dfspId}/jwscerts own
PUT /api/dfsps/{dfspId}/jwscerts own
DELETE /api/dfsps/{dfspId}/jwscerts own
POST /api/dfsps/{dfspId}/onboard
GET /api/dfsps/{dfspId}/servercerts mta own
POST /api/dfsps/{dfspId}/servercerts own
PUT /api/dfsps/{dfspId}/servercerts own
DELETE /api/dfsps/{dfspId}/servercerts own
POST /api/dfsps/{dfspId}/states own
GET /api/dfsps/{dfspId}/status mta own
POST /api/external-dfsps/jwscerts own other
GET /api/hub/ca mta own other
POST /api/hub/ca
PUT /api/hub/ca
DELETE /api/hub/ca
GET /api/hub/endpoints mta own other
GET /api/hub/endpoints/egress/ips mta own other
POST /api/hub/endpoints/egress/ips
GET /api/hub/endpoints/egress/ips/{epId} mta own other
PUT /api/hub/endpoints/egress/ips/{epId}
DELETE /api/hub/endpoints/egress/ips/{epId}
GET /api/hub/endpoints/ingress/ips mta own other
POST /api/hub/endpoints/ingress/ips
GET /api/hub/endpoints/ingress/ips/{epId} mta own other
PUT /api/hub/endpoints/ingress/ips/{epId}
DELETE /api/hub/endpoints/ingress/ips/{epId}
GET /api/hub/endpoints/ingress/urls mta own other
POST /api/hub/endpoints/ingress/urls
GET /api/hub/endpoints/ingress/urls/{epId} mta own other
PUT /api/hub/endpoints/ingress/urls/{epId}
DELETE /api/hub/endpoints/ingress/urls/{epId}
GET /api/hub/endpoints/{epId} mta own other
PUT /api/hub/endpoints/{epId}
DELETE /api/hub/endpoints/{epId}
GET /api/hub/jwscerts mta
POST /api/hub/jwscerts
PUT /api/hub/jwscerts/rotate
GET /api/hub/servercerts mta own other
POST /api/hub/servercerts
PUT /api/hub/servercerts
DELETE /api/hub/servercerts
GET /api/jwks/{fspId} mta own other
GET /api/jws/consumers mta
PUT /api/jws/consumers/{name}
DELETE /api/jws/consumers/{name}
GET /api/monetaryzones
GET /api/monetaryzones/{monetaryZoneId}/dfsps
"""
FILLED_IN = {"{epId}": "1", "{enId}": "1", "{monetaryZoneId}": "KES", "{file}": "hub-ca.crl", "{request}": "AAAA", "{fspId}": "MINE", "{name}": "adapter"}


def routes():
    """(method, path) and the set of those who may."""
    for method, path, *who in map(str.split, ROUTES.strip().splitlines()):
        yield method, path, set(who)


class Callers(AuthTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for dfsp_id in ("MINE", "OTHER"):
            cls.add_dfsp(cls(), dfsp_id)
        cls.callers = {"nobody": None, "mta": cls.provider.token(MTA), "own": cls.provider.token(dfsp("MINE")),
                       "other": cls.provider.token(dfsp("OTHER"))}

    def verdict(self, method, path, token, dfsp_id="MINE"):
        """"may", or the status of who may not; what came of the call otherwise is no matter here."""
        for name, value in {"{dfspId}": dfsp_id, **FILLED_IN}.items():
            path = path.replace(name, value)
        headers = {"Content-Type": "application/json", **({"Authorization": "Bearer " + token} if token else {})}
        connection = self.agent.connection()
        connection.request(method, path, None if method in ("GET", "DELETE") else "{}", headers)
        answer = connection.getresponse()
        connection.close()
        self.assertNotEqual(answer.status, 405, path)
        refused = answer.status == 401 or (answer.status == 403 and "required roles" in answer.headers.get("X-AUTH-ERROR", ""))
        return answer.status if refused else "may"

    def test_the_list_has_all_routes_of_the_document(self):
        document = self.call("GET", "/api-docs")[1]
        served = set()
        for path, item in document["paths"].items():
            for server in item.get("servers", document["servers"]):
                served |= {(method.upper(), server["url"].rstrip("/") + path) for method in item if method != "servers"}
        self.assertEqual({(method, path) for method, path, _ in routes()}, served)

    def test_each_route_lets_in_those_whom_the_list_names_and_nobody_else(self):
        # MCM_API 13.1 (sign), 13.10, 13.11 (own record, outbound/csr, validate, confirmation, onboard), 13.14 (states)
        # MCM_API 13.13, 13.15 (the hub's keys for JWS), 13.18 (401 and 403), 13.79 (that they are open is said in REST.md)
        wrong = []
        for method, path, who in routes():
            for caller, token in self.callers.items():
                wanted = "may" if who & {caller, "anybody"} else 403 if token else 401
                found = self.verdict(method, path, token)
                if found != wanted:
                    wrong.append((caller, method, path, found, wanted))
        self.assertEqual(wrong, [])

    def test_the_hubs_administrator_may_all_but_see_a_participants_secret(self):
        refused = [(method, path) for method, path, _ in routes() if self.verdict(method, path, self.pta(), "NOBODY") != "may"]
        self.assertEqual(refused, [(method, "/api/dfsps/{dfspId}/credentials") for method in ("GET", "POST")])


class OtherGroups(AuthTest):
    """The groups have other names in the configuration."""

    keys = 'pta_group = "Hub/Admins"\nmta_group = "Hub/Staff"\ndfsp_group_prefix = "Banks/"\n'

    def test_what_a_participant_may_see_goes_by_the_configured_names(self):
        # MCM_API 13.20
        admin = self.provider.token(["/Hub/Admins"])
        for dfsp_id in ("MINE", "OTHER"):
            self.assertEqual(self.call("POST", "/api/dfsps", admin, {"dfspId": dfsp_id, "name": "Bank"})[0], 200)

        def seen(groups):
            token = self.provider.token(groups)
            states = self.call("GET", "/api/dfsps/states-status", token)[1]["dfsps"]
            one = {dfsp_id: self.call("GET", "/api/dfsps/%s" % dfsp_id, token)[0] for dfsp_id in ("MINE", "OTHER")}
            return [dfsp["id"] for dfsp in self.call("GET", "/api/dfsps", token)[1]], [dfsp["dfspId"] for dfsp in states], one

        both = ["MINE", "OTHER"]
        for groups in (["/Hub/Admins"], ["Hub/Staff"]):
            self.assertEqual(seen(groups), (both, both, {"MINE": 200, "OTHER": 200}), groups)
        self.assertEqual(seen(["/Banks/MINE"]), (["MINE"], ["MINE"], {"MINE": 200, "OTHER": 403}))
        for groups in (PTA, MTA, dfsp("MINE")):
            self.assertEqual(seen(groups), ([], [], {"MINE": 403, "OTHER": 403}), groups)


if __name__ == "__main__":
    main()
