# SPDX-License-Identifier: MIT
"""What every DATALYR SDK sends, and what becomes of it."""
import json
import os

from collector import KEY, Collector, equal, event, true
from tap import Tap

tap = Tap()
HERE = os.path.dirname(os.path.abspath(__file__))
SITE = "https://shop.example"


def send_shape(collector, shape):
    headers = {name: value.replace("KEY", KEY)
               for name, value in shape["headers"].items()}
    return collector.request("POST", shape["path"],
                             json.dumps(shape["body"]).encode(), headers)


def check_shape(collector, shape):
    equal(collector.post("/api/v1/reset", b"", key=None).status, 200, "reset")
    answer = send_shape(collector, shape)
    equal(answer.status, 200, "status, %r" % answer)
    true(answer.headers["content-type"] == "application/json", "type")
    equal(sorted(answer.json), ["accepted", "duplicates", "rejected",
                                "success"], "members of the answer")
    equal(answer.json["accepted"], len(shape["stored"]), "accepted")
    found = collector.events()
    equal(len(found), len(shape["stored"]), "stored events")
    for kept, wanted in zip(found, shape["stored"]):
        for name, value in wanted.items():
            equal(kept.get(name), value, name)
    again = send_shape(collector, shape)
    equal(again.json["duplicates"], len(shape["stored"]),
          "duplicates of a redelivery")


def browsers_are_told_who_may_send():
    page = {"Origin": SITE}
    with Collector("--allow-origin", SITE) as collector:
        answer = collector.request("OPTIONS", "/", headers=dict(
            page, **{"Access-Control-Request-Method": "POST",
                     "Access-Control-Request-Headers":
                         "content-type,x-batch-size"}))
        true(answer.status in (200, 204), "status of the preflight")
        allowed = answer.headers["access-control-allow-headers"]
        for name in ("content-type", "x-batch-size", "x-container-version"):
            true(name in allowed, name + " is not allowed")
        answer = collector.post("/", event(anonymousId="a"), page, key=None)
        equal(answer.status, 200, "status")
        for got in (answer, collector.post("/", b"{", page, key=None)):
            equal(got.headers.get("access-control-allow-origin"), SITE,
                  "allowed origin")
            equal(got.headers.get("access-control-allow-credentials"), "true",
                  "credentials")
            true("Origin" in got.headers.get("vary", ""), "no Vary: Origin")
            true("Retry-After" in
                 got.headers.get("access-control-expose-headers", ""),
                 "Retry-After cannot be read")
        answer = collector.post("/", event(anonymousId="a"),
                                {"Origin": "https://evil.example"}, key=None)
        equal(answer.status, 403, "status of a foreign origin")
        equal(answer.headers.get("access-control-allow-origin"), None,
              "header for a foreign origin")
        equal(collector.stats()["events"], 1, "events")


def every_answer_of_ingest_can_be_read_by_pages():
    """200, 400, 401-like and 429, 413, 415, 503: a browser SDK sees the status
    and Retry-After only with these headers."""
    page = {"Origin": SITE}
    with Collector("--allow-origin", SITE, "--rate-limit", "1",
                   "--rate-burst", "6", "--max-body", "1KiB",
                   "--max-batch", "2") as collector:
        two = {"events": [event(anonymousId="a"), {"event": "no owner"}]}
        three = {"events": [event(anonymousId="a")] * 3}
        cases = (("a good batch with a bad event", two, page, 200),
                 ("no JSON", b"{", page, 400),
                 ("too many events", three, page, 413),
                 ("too many bytes", b" " * 2000, page, 413),
                 ("a coding", b"{}", dict(page, **{"Content-Encoding": "br"}),
                  415))
        for name, body, headers, status in cases:
            answer = collector.post("/", body, headers, key=None)
            equal(answer.status, status, name)
            expect_credentials(answer, name)
        for _ in range(7):
            answer = collector.post("/", two, page, key=None)
        equal(answer.status, 429, "status beyond the rate")
        true(1 <= int(answer.headers["retry-after"]) <= 30, "Retry-After")
        expect_credentials(answer, "too many requests")
        true("*" not in {v for k, v in answer.pairs
                         if k.startswith("access-control")}, "a wildcard")


def expect_credentials(answer, what):
    equal((answer.headers.get("access-control-allow-origin"),
           answer.headers.get("access-control-allow-credentials")),
          (SITE, "true"), what + ": who may read it")
    true("Retry-After" in answer.headers.get("access-control-expose-headers",
                                             ""), what + ": Retry-After")


def beacons_may_come_twice():
    """What a page sends when it is left: no headers of its own, a type that
    needs no preflight, and once more at the next visit."""
    made = [{"event_id": "b%d" % i, "event_name": "leave", "event_data": {},
             "anonymous_id": "anon_b", "visitor_id": "anon_b",
             "user_id": None, "timestamp": "2026-03-04T05:06:07.089Z"}
            for i in range(3)]
    with Collector("--allow-origin", SITE) as collector:
        for kind in ("text/plain;charset=UTF-8", "application/json",
                     "application/x-www-form-urlencoded", None):
            headers = {"Origin": SITE}
            if kind is not None:
                headers["Content-Type"] = kind
            answer = collector.request("POST", "/", json.dumps(
                {"events": made, "batchId": "b", "timestamp": "x"}).encode(),
                headers)
            equal(answer.status, 200, "status with %s" % kind)
            equal(answer.json["accepted"] + answer.json["duplicates"], 3,
                  "events with %s" % kind)
        equal(collector.stats()["events"], 3, "events")


def all_origins_are_echoed_never_a_star():
    with Collector("--allow-origin", "*") as collector:
        for site in (SITE, "https://b.example", "capacitor://localhost"):
            answer = collector.post("/", event(anonymousId="a", eventId=site),
                                    {"Origin": site}, key=None)
            equal((answer.status,
                   answer.headers["access-control-allow-origin"]),
                  (200, site), "origin")


def reading_has_no_cors():
    with Collector("--allow-origin", SITE) as collector:
        collector.send(event(userId="u"))
        for path in ("/api/v1/events", "/api/v1/stats", "/metrics"):
            answer = collector.get(path, headers={"Origin": SITE})
            equal([name for name in answer.headers
                   if name.startswith("access-control")], [], path)
        answer = collector.request("OPTIONS", "/api/v1/events",
                                   headers={"Origin": SITE})
        equal(answer.headers.get("access-control-allow-origin"), None,
              "preflight of the API")


def side_requests_switch_nothing_on():
    with Collector("--allow-origin", SITE) as collector:
        answer = collector.post("/container-scripts", {"workspaceId": "w"},
                                {"Origin": SITE, "X-Container-Version": "1.0"},
                                key=None)
        equal((answer.status, answer.json),
              (200, {"scripts": [], "pixels": None, "config": {}}), "scripts")
        equal(answer.headers["access-control-allow-origin"], SITE, "origin")
        answer = collector.get("/sdk-consent-policy?ws=w")
        equal((answer.status, answer.json), (200, {}), "policy")
        for path in ("/attribution/lookup", "/attribution/deferred-lookup"):
            answer = collector.post(path, {"email": "a@example.test"}, key=None)
            equal((answer.status, answer.json), (200, {"found": False}), path)
        equal(collector.stats()["events"], 0, "events")


def redirects_are_never_sent():
    with Collector() as collector:
        for path in ("/track/", "//track", "/a//b/", "/./track", "/../x",
                     "/api", "/api/", "/%2e%2e/x"):
            for method in ("GET", "POST", "OPTIONS"):
                status = collector.request(method, path, b"{}").status
                true(not 300 <= status < 400, "%s %s: %d"
                     % (method, path, status))


def page_cannot_merge_users():
    with Collector("--allow-origin", SITE) as collector:
        collector.send(event("order", 1, userId="old", eventId="1"),
                       event("order", 2, userId="new", eventId="2"))
        alias = event("$alias", 3, userId="new", eventId="3",
                      properties={"previousId": "old"})
        equal(collector.post("/", {"events": [alias]}, {"Origin": SITE},
                             key=None).status, 200, "status")
        journey = collector.get("/api/v1/users/old/journey").json
        equal(journey["userIds"], ["old"], "users after a page's alias")
        collector.send(dict(alias, eventId="4"))
        journey = collector.get("/api/v1/users/old/journey").json
        equal(sorted(journey["userIds"]), ["new", "old"],
              "users after a server's alias")


with Collector("--test", "--allow-origin", SITE) as shared:
    for one in json.load(open(os.path.join(HERE, "shapes.json"))):
        tap.check("%s: stored as what it says" % one["name"], check_shape,
                  shared, one)
tap.check("CORS lets allowed origins send, with credentials",
          browsers_are_told_who_may_send)
tap.check("every answer of ingest can be read by the page that sent it",
          every_answer_of_ingest_can_be_read_by_pages)
tap.check("beacons of any type are taken, and once", beacons_may_come_twice)
tap.check("an origin is echoed and never a star",
          all_origins_are_echoed_never_a_star)
tap.check("CORS is absent where data is read", reading_has_no_cors)
tap.check("side requests are answered with nothing switched on",
          side_requests_switch_nothing_on)
tap.check("no path is answered with a redirect", redirects_are_never_sent)
tap.check("an alias merges users only when it came with a key",
          page_cannot_merge_users)
tap.finish()
