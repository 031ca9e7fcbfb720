# SPDX-License-Identifier: MIT
"""Who gets in: pages of other origins, rebound names, proxies, cookies, and
keys that are too weak for what they are used for."""
import contextlib
import json

from collector import DESCRIPTION, KEY, Collector, equal, event, true
from tap import Tap

tap = Tap()
ADMIN = "dk_admin_0123456789"
READ = "dk_read_0123456789"
OPTIONS = ("--admin-key", ADMIN, "--read-key", READ)
SHOP = "https://shop.example"
SECRET = "only-for-us"
EXAMPLES = {"/api/v1/users/{id}": "ann", "/api/v1/users/{id}/journey": "ann",
            "/api/v1/anonymous/{id}": "anon_1", "/api/v1/groups/{id}": "g"}
QUERIES = {"/api/v1/wait": "?event=x&timeout=0s"}


def routes(*methods):
    """The routes of these methods that the description has; a new one is in
    these tests as soon as it is described."""
    found = []
    for path, described in DESCRIPTION["paths"].items():
        for method in methods:
            if method in described and path.startswith("/api/v1/"):
                filled = path.replace("{id}", EXAMPLES.get(path, "ann"))
                found.append((method.upper(), filled + QUERIES.get(path, "")))
    return found


READS = [path for _, path in routes("get")] + ["/metrics"]
# Logging in and out is for those who have no right yet: tests of its own.
WRITES = [(method, path) for method, path in
          routes("post", "put", "patch", "delete")
          if path != "/api/v1/session"]


@contextlib.contextmanager
def prepared(*more):
    """A collector with one event in it."""
    with Collector(*OPTIONS, *more) as collector:
        collector.send(event(userId="ann", anonymousId="anon_1", eventId="1",
                             properties={"note": SECRET}))
        yield collector


def nothing_moves(collector, headers, what, statuses=(401, 403),
                  may_send=False):
    """With these headers nothing is read and nothing is changed."""
    for path in READS:
        answer = collector.request("GET", path, headers=headers)
        true(answer.status in statuses, "%s: GET %s is %r"
             % (what, path, answer))
        head = collector.request("HEAD", path, headers=headers)
        equal(head.status, answer.status, "%s: HEAD %s" % (what, path))
        true(SECRET.encode() not in answer.body, what + ": it is in " + path)
        true("access-control-allow-origin" not in answer.headers,
             "%s: GET %s is offered to pages" % (what, path))
    for method, path in WRITES:
        answer = collector.request(method, path, headers=headers)
        true(answer.status in statuses, "%s: %s %s is %r"
             % (what, method, path, answer))
    for path in () if may_send else ("/", "/track", "/batch", "/any/thing"):
        # What a page may send without asking first.
        for kind in ("text/plain", "application/json",
                     "application/x-www-form-urlencoded"):
            answer = collector.post(path, event(userId="evil"), dict(
                {"Content-Type": kind}, **headers), key=None)
            true(answer.status in statuses, "%s: POST %s is %r"
                 % (what, path, answer))
    equal(collector.stats()["events"], 1, what + ": events")
    equal(collector.get("/api/v1/users/ann").status, 200, what + ": the user")


def all_routes_are_here():
    equal((len(READS) >= 11, len(WRITES) >= 2), (True, True),
          "%d reads and %d writes" % (len(READS), len(WRITES)))
    # Each of them answers a program on this machine: it is a route.
    with prepared("--test") as collector:
        for path in READS:
            if not path.endswith("/stream"):
                true(collector.get(path).status in (200, 404, 408), path)
        equal(collector.get("/api/v1/groups/g").status, 404, "no such group")
        for method, path in WRITES:
            answer = collector.request(method, path, headers={
                "Authorization": "Bearer " + ADMIN})
            equal(answer.status, 200, "%s %s" % (method, path))
        equal(collector.stats()["events"], 0, "events")


def other_origins_get_nothing():
    with prepared("--test", "--allow-origin", SHOP) as \
            collector:
        for headers in ({"Origin": "https://evil.example"},
                        {"Origin": SHOP},
                        {"Origin": "null"},
                        {"Sec-Fetch-Site": "cross-site"},
                        {"Sec-Fetch-Site": "same-site"},
                        {"Origin": "http://127.0.0.1:1"}):
            nothing_moves(collector, headers, "%r" % headers,
                          may_send=headers.get("Origin") == SHOP)
        asked = collector.request(
            "OPTIONS", "/api/v1/events",
            headers={"Origin": SHOP,
                     "Access-Control-Request-Method": "GET"})
        true("access-control-allow-origin" not in asked.headers,
             "the read API is offered to pages")
        own = {"Origin": "http://127.0.0.1:%d" % collector.port,
               "Sec-Fetch-Site": "same-origin"}
        equal(collector.get("/api/v1/stats", headers=own).status, 200,
              "our own page")
        # With the cookie of somebody who is logged in, too.
        cookie = {"Cookie": "datalyr_key=" + ADMIN}
        for origin in ("https://evil.example", "http://127.0.0.1:1"):
            for method, path in WRITES:
                answer = collector.request(method, path, headers=dict(
                    cookie, Origin=origin))
                equal(answer.status, 403, "%s %s" % (method, path))
            answer = collector.request("DELETE", "/api/v1/session",
                                       headers=dict(cookie, Origin=origin))
            equal(answer.status, 403, "logging somebody out")
        equal(collector.stats()["events"], 1, "events")


def rebound_names_get_nothing():
    with prepared("--test") as collector:
        for host in ("evil.example", "evil.example:%d" % collector.port,
                     "127.0.0.1.evil.example", "localhost.evil.example",
                     "127.0.0.1@evil.example", "[::1].evil.example",
                     "127.1.evil.example:80", "0", ""):
            nothing_moves(collector, {"Host": host}, "Host: " + host,
                          (400, 401, 403))
            # The page that was rebound is of the origin it asks.
            nothing_moves(collector, {"Host": host, "Origin": "http://" + host,
                                      "Sec-Fetch-Site": "same-origin"},
                          "a page of " + host, (400, 401, 403))
        for host in ("localhost:%d" % collector.port, "127.0.0.1", "[::1]:1"):
            equal(collector.get("/api/v1/stats", headers={"Host": host})
                  .status, 200, "Host: " + host)


def proxies_get_nothing():
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
             "X-Real-IP", "Via", "Forwarded", "CF-Connecting-IP")
    for options in ((), ("--trusted-proxy", "127.0.0.0/8")):
        with prepared("--test", *options) as collector:
            for name in names:
                for value in ("127.0.0.1", "::1", "localhost", ""):
                    nothing_moves(collector, {name: value},
                                  "%s: %s" % (name, value))
            equal(collector.get("/api/v1/stats").status, 200,
                  "a program on this machine")
            equal(collector.get("/api/v1/stats", headers={
                "X-Forwarded-For": "10.0.0.9",
                "Authorization": "Bearer " + READ}).status, 200, "with a key")


def weak_keys_change_nothing():
    with prepared() as collector:
        for key in (READ, KEY, "dk_unknown", ""):
            for method, path in WRITES:
                for headers in ({"Authorization": "Bearer " + key},
                                {"X-API-Key": key},
                                {"Cookie": "datalyr_key=" + key}):
                    answer = collector.request(method, path, headers=headers)
                    equal(answer.status, 401, "%s %s with %r"
                          % (method, path, headers))
                    equal(collector.get("/api/v1/users/ann").status, 200,
                          "the user after " + method)
        answer = collector.request("DELETE", "/api/v1/users/ann", headers={
            "Cookie": "datalyr_key=" + ADMIN})
        equal(answer.status, 401, "the admin key in a cookie")
        answer = collector.post("/track", event(userId="x"), key=READ)
        equal(answer.status, 401, "a read key that sends")
        answer = collector.get("/api/v1/stats", headers={
            "Host": "stats.example", "Authorization": "Bearer " + KEY})
        equal(answer.status, 401, "a write key that reads")
        equal(collector.stats()["events"], 1, "events")


def log_in(collector, key, **headers):
    return collector.post("/api/v1/session", {"key": key}, headers=headers,
                          key=None)


def the_cookie_opens_reading():
    far = {"Host": "stats.example"}
    with prepared() as collector:
        equal(collector.get("/api/v1/stats", headers=far).status, 401,
              "without a cookie")
        answer = log_in(collector, READ, **far)
        equal(answer.status, 200, "%r" % answer)
        parts = answer.headers["set-cookie"].split("; ")
        equal((parts[0], sorted(parts[1:])),
              ("datalyr_key=" + READ,
               ["HttpOnly", "Path=/", "SameSite=Strict"]), "the cookie")
        true(READ.encode() not in answer.body, "the key is in the body")
        with_cookie = dict(far, Cookie=parts[0])
        equal(collector.get("/api/v1/stats", headers=with_cookie).json["events"],
              1, "events")
        answer = collector.request("DELETE", "/api/v1/session",
                                   headers=with_cookie)
        parts = answer.headers["set-cookie"].split("; ")
        equal((answer.status, parts[0]), (200, "datalyr_key="), "log-out")
        true("Max-Age=0" in parts, "the cookie stays")


def the_cookie_is_hard_to_get():
    with prepared() as collector:
        for key in (KEY, "dk_unknown", ADMIN + "x"):
            answer = log_in(collector, key)
            equal((answer.status, answer.json["field"]), (401, "key"), key)
            true("set-cookie" not in answer.headers, "a cookie for " + key)
        for body in (b"", b"[]", b"{}", b'{"key":1}', b'{"key":""}', b"{",
                     json.dumps({"key": "x" * 300}).encode(),
                     json.dumps({"key": READ + "; Domain=x"}).encode(),
                     json.dumps({"key": READ + "\r\nX-Evil: 1"}).encode()):
            answer = collector.post("/api/v1/session", body, key=None)
            equal(answer.status, 400, "%r" % body)
            true("set-cookie" not in answer.headers, "a cookie for %r" % body)
        answer = log_in(collector, READ, Origin="https://evil.example")
        equal(answer.status, 403, "a page of another origin")
        true("set-cookie" not in answer.headers, "a cookie for it")
        equal(collector.get("/api/v1/session").status, 405, "GET")


def trusted_proxies_are_believed():
    outside = {"Host": "127.0.0.1:8484", "X-Forwarded-Proto": "https",
               "X-Forwarded-Host": "stats.example",
               "X-Forwarded-For": "203.0.113.7, 10.9.9.9",
               "Origin": "https://stats.example"}
    for options, is_believed in (
            (("--trusted-proxy", "127.0.0.1", "--trusted-proxy", "10.0.0.0/8"),
             True), (("--trusted-proxy", "10.0.0.0/8"), False), ((), False)):
        with prepared("--log", "-", *options) as collector:
            answer = log_in(collector, READ, **outside)
            equal(answer.status, 200 if is_believed else 403,
                  "log-in behind %r" % (options,))
            if is_believed:
                true("; Secure" in answer.headers["set-cookie"], "not secure")
            collector.stop()
            line = [json.loads(l) for l in collector.stderr().splitlines()
                    if "/api/v1/session" in l][0]
            equal(line["client"],
                  "203.0.113.7" if is_believed else "127.0.0.1", "client")
            collector.start()


def wrong_proxies_are_named():
    for text in ("localhost", "10.0.0.0/33", "10.0.0.1/x"):
        try:
            with Collector("--trusted-proxy", text):
                pass
        except AssertionError as error:
            true("--trusted-proxy is " + text in str(error), str(error))
        else:
            raise AssertionError("it starts with " + text)


tap.check("every route of the description is tried",
          all_routes_are_here)
tap.check("a page of another origin reads and changes nothing",
          other_origins_get_nothing)
tap.check("a host name that is rebound reads and changes nothing",
          rebound_names_get_nothing)
tap.check("a request through a proxy on this host reads and changes nothing "
          "without a key", proxies_get_nothing)
tap.check("a read key deletes nothing, and no key does more than its role",
          weak_keys_change_nothing)
tap.check("a read key becomes a cookie that reads, until the log-out",
          the_cookie_opens_reading)
tap.check("no cookie for other keys, bodies and origins",
          the_cookie_is_hard_to_get)
tap.check("only a trusted proxy is believed about client, host and scheme",
          trusted_proxies_are_believed)
tap.check("a --trusted-proxy that is no address is named",
          wrong_proxies_are_named)
tap.finish()
