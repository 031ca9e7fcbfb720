# SPDX-License-Identifier: MIT
"""Requests that nobody means well with: each is refused or cut, and nothing of
it is stored."""
import gzip
import os
import random
import socket
import struct
import time

from collector import KEY, SHARED, Collector, equal, event, true
from tap import Skip, Tap

tap = Tap()
GOOD = b'{"event":"x","userId":"u"}'


def head(*lines, method="POST", path="/track"):
    return ("%s %s HTTP/1.1\r\n" % (method, path) +
            "".join(line + "\r\n" for line in
                    ("X-API-Key: " + KEY,) + lines) + "\r\n").encode()


def refused(answer):
    """4xx, or the connection ended without an answer."""
    return answer == b"" or answer.startswith(b"HTTP/1.1 4")


def smuggling_is_refused():
    length = "Content-Length: %d" % len(GOOD)
    cases = {
        "two lengths": head("Host: x", length, "Content-Length: 5") + GOOD,
        "the same length twice": head("Host: x", length, length) + GOOD,
        "length and coding": head("Host: x", length,
                                  "Transfer-Encoding: chunked") +
        b"0\r\n\r\n" + GOOD,
        "two hosts": head("Host: a", "Host: b", length) + GOOD,
        "a coding of another name": head(
            "Host: x", "Transfer-Encoding: xchunked") + GOOD,
        "two codings": head("Host: x", "Transfer-Encoding: chunked",
                            "Transfer-Encoding: identity") + b"0\r\n\r\n",
        "a signed length": head("Host: x", "Content-Length: +26") + GOOD,
        "a length in hexadecimal": head("Host: x",
                                        "Content-Length: 0x1a") + GOOD,
        "a list of lengths": head("Host: x", "Content-Length: 26, 26") + GOOD,
        "a huge length": head("Host: x", "Content-Length: " + "9" * 30) + GOOD,
    }
    with Collector() as collector:
        for name, data in cases.items():
            answer = collector.raw(data, shut=True)
            true(refused(answer), "%s: %r" % (name, answer[:200]))
        equal(collector.stats()["events"], 0, "events")


def paths_are_not_bent():
    with Collector() as collector:
        length = "Content-Length: %d" % len(GOOD)
        for path in ("/track%", "/track%2", "/track%zz", "/%ff/track",
                     "/a/../track", "/./track", "/%2e%2e/track",
                     "/" + "a/" * 40, "/x?" + "a=b&" * 100):
            answer = collector.raw(head("Host: x", length, path=path) + GOOD,
                                   shut=True)
            true(refused(answer), "%s: %r" % (path, answer[:200]))
        equal(collector.stats()["events"], 0, "events")
        names = ["a/b", "a\0b", "a b", "\u00e9", "..x", "a%2Fb", "?", "#", "+"]
        for name in names:
            collector.send(event(userId=name))
        for name in names:
            quoted = "".join("%%%02X" % byte for byte in name.encode())
            answer = collector.get("/api/v1/users/" + quoted)
            equal(answer.status, 200, "status of user %r" % name)
            equal(answer.json["userId"], name, "user")
            equal(len(collector.events(user=name)), 1, "events of %r" % name)


def broken_bodies_store_nothing():
    rng = random.Random(5)
    good = gzip.compress(b'{"events":[' + b",".join([GOOD] * 200) + b"]}")
    with Collector() as collector:
        for body in (b"", b" ", b"null", b"7", b'"x"', b"{", b"[", b"[]]",
                     b"{}x", b"\xff\xfe{}", b"\xef\xbb\xbf" + GOOD,
                     b'{"events":', b"[" * 100000, b'{"a":' * 100000,
                     b'{"events":[{"event":"x","userId":"u"},]}',
                     b'{"event":"x","userId":"\xff"}',
                     b'{"event":"x","userId":"\\ud800"}',
                     b'{"event":"x","userId":"u","n":01}'):
            answer = collector.post("/track", body)
            equal(answer.status, 400, "status of %r" % body[:30])
            true(answer.json["error"], "no error")
        for _ in range(40):
            cut = bytearray(good[:rng.randrange(len(good))])
            answer = collector.post("/track", bytes(cut),
                                    {"Content-Encoding": "gzip"})
            equal(answer.status, 400, "status of a cut gzip body")
            bent = bytearray(good)
            for _ in range(3):
                bent[rng.randrange(10, len(bent))] ^= 1 + rng.randrange(255)
            answer = collector.post("/track", bytes(bent),
                                    {"Content-Encoding": "gzip"})
            equal(answer.status, 400, "status of a bent gzip body")
        bomb = gzip.compress(b'{"events":[' + b" " * (200 << 20) + b"]}", 1)
        equal(collector.post("/track", bomb,
                             {"Content-Encoding": "gzip"}).status, 413,
              "status of a gzip bomb")
        equal(collector.stats()["events"], 0, "events")
        collector.send(event(userId="u"))


def json_suite_is_judged():
    folder = os.path.join(SHARED, "data", "hostile", "JSONTestSuite")
    if not os.path.isdir(folder):
        raise Skip("needs the shared test data")
    counted = 0
    with Collector("--rate-limit", "unlimited") as collector:
        for base, _, names in sorted(os.walk(folder)):
            for name in sorted(names):
                if name[:2] not in ("y_", "n_") or not name.endswith(".json"):
                    continue
                text = open(os.path.join(base, name), "rb").read()
                body = (b'{"event":"x","userId":"u","properties":{"p":' +
                        text + b"}}")
                answer = collector.post("/track", body)
                equal(answer.status, 200 if name[0] == "y" else 400,
                      "status of " + name)
                counted += 1
        true(counted > 250, "only %d cases" % counted)


def naughty_strings_arrive_unchanged():
    path = os.path.join(SHARED, "data", "hostile", "strings", "blns.json")
    if not os.path.exists(path):
        raise Skip("needs the shared test data")
    import json
    strings = [s for s in json.load(open(path)) if s]
    with Collector("--rate-limit", "unlimited") as collector:
        made = [event(s, userId=s, eventId="%d" % i, properties={s: s})
                for i, s in enumerate(strings)]
        collector.send(*made)
        found = {e["eventId"]: e for e in collector.events()}
        for i, s in enumerate(strings):
            kept = found["%d" % i]
            equal((kept["event"], kept["userId"], kept["properties"]),
                  (s, s, {s: s}), "string %d" % i)
        for s in strings[::7]:
            true(len(collector.events(user=s)) >= 1, "user %r" % s)


def open_slow(collector, data):
    connection = socket.create_connection(("127.0.0.1", collector.port))
    connection.sendall(data)
    return connection


def is_cut(connection):
    connection.settimeout(30)
    try:
        while True:
            if not connection.recv(4096):
                return True
    except socket.timeout:
        return False
    except OSError:
        return True


def slow_clients_are_cut():
    with Collector("--head-timeout", "1s", "--body-timeout", "1s",
                   "--idle-timeout", "1s") as collector:
        silent = open_slow(collector, b"")
        in_head = open_slow(collector, b"POST /track HT")
        in_body = open_slow(collector, head("Host: x",
                                            "Content-Length: 100000") + b"{")
        idle = open_slow(collector, head("Host: x", "Content-Length: %d"
                                         % len(GOOD)) + GOOD)
        begin = time.monotonic()
        # A byte now and then is what keeps an idle time-out from ending.
        while time.monotonic() - begin < 1.5:
            for connection in (in_head, in_body):
                try:
                    connection.send(b"a")
                except OSError:
                    pass
            time.sleep(0.1)
        for name, connection in (("silent", silent), ("head", in_head),
                                 ("body", in_body), ("idle", idle)):
            true(is_cut(connection), name + " is not cut")
            connection.close()
        true(b"datalyrd_connections_cut_total 0\n" not in
             collector.get("/metrics").body, "none is counted")
        equal(collector.stats()["events"], 1, "events")


def ended_clients_are_let_go():
    """Long before any time-out: those that closed their side in one go with
    their last bytes, and those that reset the connection."""
    whole = head("Host: x", "Content-Length: %d" % len(GOOD)) + GOOD
    with Collector("--head-timeout", "1h", "--body-timeout", "1h",
                   "--idle-timeout", "1h") as collector:
        held = []
        for data in (b"", b"POST /tr", whole[:60], whole[:-5],
                     head("Host: x"), whole, whole + b"POST /tr",
                     head("Host: x", path="/track%") + GOOD,
                     b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"):
            for is_reset in (False, True):
                connection = open_slow(collector, data)
                if is_reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
                    connection.close()
                else:
                    connection.shutdown(socket.SHUT_WR)
                    held.append(connection)
        for i, connection in enumerate(held):
            true(is_cut(connection), "number %d is not let go" % i)
            connection.close()
        for _ in range(20000):
            body = collector.get("/metrics").body
            if b"\ndatalyrd_connections 1\n" in body:
                break
        true(b"\ndatalyrd_connections 1\n" in body, "some are still there")
        true(b"\ndatalyrd_connections_cut_total 0\n" in body,
             "a time-out was needed")


def memory_of_bodies_is_bounded():
    with Collector("--max-memory", "1MiB", "--body-timeout", "60s") as server:
        held = [open_slow(server, head("Host: x", "Content-Length: 500000") +
                          b"{" + b" " * 400000) for _ in range(3)]
        # The three are not read before they are: ask until they are in.
        for _ in range(2000):
            body = server.get("/metrics").body.decode()
            used = int(body.split("\ndatalyrd_body_bytes ")[1].split()[0])
            if used > 900000:
                break
        answer = server.post("/batch", {"events": [
            event(userId="u", properties={"x": "y" * 400000})]})
        equal(answer.status, 503, "status beyond the budget")
        true(1 <= int(answer.headers["retry-after"]) <= 30, "Retry-After")
        for connection in held:
            connection.close()
        for _ in range(2000):
            answer = server.post("/batch", {"events": [
                event(userId="u", properties={"x": "y" * 400000})]})
            if answer.status == 200:
                break
        equal(answer.status, 200, "status when the others are gone")


tap.check("heads that can be read in two ways are refused",
          smuggling_is_refused)
tap.check("paths are decoded part by part, or refused", paths_are_not_bent)
tap.check("broken bodies are 400 or 413 and store nothing",
          broken_bodies_store_nothing)
tap.check("JSONTestSuite: what must parse is taken, what must not is refused",
          json_suite_is_judged)
tap.check("naughty strings come back unchanged",
          naughty_strings_arrive_unchanged)
tap.check("clients of one byte a second are cut", slow_clients_are_cut)
tap.check("clients that ended are let go without a time-out",
          ended_clients_are_let_go)
tap.check("the memory of bodies is bounded for all together",
          memory_of_bodies_is_bounded)
tap.finish()
