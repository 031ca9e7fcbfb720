# SPDX-License-Identifier: MIT
"""datalyr-faultd over raw sockets: what leaves it must be exactly the fault
that was asked for, or the tests that rely on it prove nothing."""
import gzip
import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "e2e"))
import harness  # noqa: E402
from harness import at_least, equal, is_true, test  # noqa: E402


def event(identifier, name="x", **more):
    return json.dumps({"eventId": identifier, "event": name, **more})


def message(body, path="/track", headers=()):
    if isinstance(body, str):
        body = body.encode()
    head = [f"POST {path} HTTP/1.1", "Host: test",
            f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Connection:
    """A socket that tells what came and how it ended."""

    def __init__(self, server):
        self.socket = socket.create_connection(("127.0.0.1", server.port),
                                               harness.PATIENCE_S)
        self.rest = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def until_end(self):
        """All bytes, and whether the connection was reset."""
        data = self.rest
        try:
            while piece := self.socket.recv(65536):
                data += piece
        except ConnectionResetError:
            return data, True
        return data, False

    def answer(self):
        """One whole answer: status, headers in lower case, body."""
        while b"\r\n\r\n" not in self.rest:
            piece = self.socket.recv(65536)
            is_true(piece, "an answer was expected, the connection ended")
            self.rest += piece
        head, self.rest = self.rest.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers.get("content-length", "0"))
        while len(self.rest) < length:
            piece = self.socket.recv(65536)
            is_true(piece, "the body ended early")
            self.rest += piece
        body, self.rest = self.rest[:length], self.rest[length:]
        return int(lines[0].split()[1]), headers, body


def exchange(server, body, **more):
    with Connection(server) as connection:
        connection.send(message(body, **more))
        return connection.answer()


def ending(server, body):
    with Connection(server) as connection:
        connection.send(message(body))
        return connection.until_end()


@test("a server without rules stores each event once and says so")
def stores_once():
    with harness.Faultd() as server:
        status, headers, body = exchange(server, event("a"))
        equal((status, json.loads(body)),
              (200, {"success": True, "accepted": 1, "duplicates": 0}),
              "first answer")
        is_true("x-datalyr-batch" not in headers, "no batch was announced")
        equal(json.loads(exchange(server, event("a"))[2])["duplicates"], 1,
              "duplicates in the second answer")
        ledger = server.ledger()
        equal((ledger["requests"], ledger["stored"], ledger["duplicates"],
               ledger["answered_2xx"]), (2, 1, 1, 2), "ledger")
        found = server.events()[0]
        equal((found["id"], found["seen"], found["stored"]), ("a", 2, 2),
              "the event's line")


@test("batches and gzip are announced, taken, and refused when they are off")
def batches_and_gzip():
    batch = json.dumps({"events": [json.loads(event(i)) for i in "abc"]})
    packed = gzip.compress(batch.encode())
    with harness.Faultd("--batch", "3", "--gzip", "on") as server:
        status, headers, body = exchange(
            server, packed, headers=["Content-Encoding: gzip"])
        equal((status, json.loads(body)["accepted"]), (200, 3), "answer")
        equal((headers["x-datalyr-batch"], headers["accept-encoding"]),
              ("3", "gzip"), "what was announced")
        four = json.dumps({"events": [json.loads(event(i)) for i in "abcd"]})
        equal(exchange(server, four)[0], 413, "one event too many")
        equal(exchange(server, packed[:-9],
                       headers=["Content-Encoding: gzip"])[0], 400, "torn gzip")
        equal(server.ledger()["malformed"], 1, "malformed bodies")
    with harness.Faultd() as server:
        equal(exchange(server, batch)[0], 400, "a batch where batches are off")
        equal(exchange(server, packed, headers=["Content-Encoding: gzip"])[0],
              415, "gzip where it is off")
        equal(server.ledger()["stored"], 0, "stored")


@test("a wrong key, a wrong method and a body that is no event are refused")
def refuses():
    with harness.Faultd("--key", "dk_right") as server:
        equal(exchange(server, event("a"), headers=["X-API-Key: dk_wrong"])[0],
              401, "wrong key")
        equal(exchange(server, event("a"), headers=["X-API-Key: dk_right"])[0],
              200, "right key")
        equal(exchange(server, "[]", headers=["X-API-Key: dk_right"])[0], 400,
              "an array")
        with Connection(server) as connection:
            connection.send(b"GET / HTTP/1.1\r\nX-API-Key: dk_right\r\n\r\n")
            equal(connection.answer()[0], 405, "GET")
        with Connection(server) as connection:
            connection.send(b"\x16\x03\x01 what\r\n\r\n")
            equal(connection.answer()[0], 400, "not HTTP")


@test("each way to close leaves exactly the bytes it promises")
def closings():
    with harness.Faultd("--rule", "close before-answer") as server:
        equal(ending(server, event("a")), (b"", False), "before-answer")
        equal(server.ledger()["stored"], 0, "stored before-answer")
        server.set_rules("reset")
        equal(ending(server, event("a")), (b"", True), "reset")
        equal(server.ledger()["stored"], 0, "stored on reset")
        server.set_rules("commit-unanswered")
        equal(ending(server, event("a")), (b"", True), "commit-unanswered")
        equal(server.ledger()["stored"], 1, "stored unanswered")
        server.set_rules("close half-way")
        data, was_reset = ending(server, event("b"))
        is_true(data.startswith(b"HTTP/1.1 200") and b"}" not in data
                and not was_reset, f"half of an answer, found {data!r}")
        server.set_rules("close after-headers")
        data, _ = ending(server, event("c"))
        is_true(data.endswith(b"\r\n\r\n"), f"headers only, found {data!r}")
        server.set_rules("body half")
        data, _ = ending(server, event("d"))
        head, body = data.split(b"\r\n\r\n")
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        is_true(0 < len(body) < length, f"half a body, found {data!r}")
        ledger = server.ledger()
        harness.check_server(ledger)
        equal((ledger["unanswered"], ledger["answered_2xx"]), (6, 0), "ledger")


@test("a hung request is never answered, a held one when it is released")
def hung_and_held():
    with harness.Faultd("--rule", "next 1: hang; next 1: hold") as server:
        with Connection(server) as hung, Connection(server) as held:
            hung.send(message(event("a")))
            server.wait_for(requests=1)
            held.send(message(event("b")))
            equal(server.wait_for(held=1)["in_progress"], 2, "in progress")
            server.release()
            equal(held.answer()[0], 200, "status of the held request")
            hung.socket.setblocking(False)
            try:
                hung.socket.recv(1)
                raise harness.Failed("the hung request was answered")
            except BlockingIOError:
                pass
        ledger = server.wait_for(unanswered=1)
        equal((ledger["stored"], ledger["held"], ledger["max_concurrent"]),
              (1, 0, 2), "ledger")


@test("statuses, Retry-After, redirects, headers and bodies are as asked for")
def answers():
    with harness.Faultd() as server:
        server.set_rules("next 1: status 503 retry-after 7\n"
                         "next 1: redirect 302 /elsewhere\n"
                         "next 1: 429 retry-after-date 2s\n"
                         "next 1: 200 body text \"hello there\"\n"
                         "next 1: 200 body bytes 100KiB\n"
                         "next 1: 200 body empty\n"
                         "next 1: 200 body garbage header \"X-Thing: 1\"\n")
        status, headers, _ = exchange(server, event("a"))
        equal((status, headers["retry-after"]), (503, "7"), "first")
        status, headers, _ = exchange(server, event("a"))
        equal((status, headers["location"]), (302, "/elsewhere"), "redirect")
        status, headers, _ = exchange(server, event("a"))
        is_true(headers["retry-after"].endswith(" gmt"), "a date")
        equal(exchange(server, event("a"))[2], b"hello there", "text")
        equal(len(exchange(server, event("a"))[2]), 102400, "bytes")
        equal(exchange(server, event("a"))[2], b"", "empty")
        status, headers, body = exchange(server, event("a"))
        equal((status, headers["x-thing"]), (200, "1"), "garbage's head")
        is_true(b"\x1b[2J" in body, "garbage with a terminal escape")
        equal([rule["left"] for rule in server.rules()], [0] * 7, "rules left")


@test("bytes nobody asked for follow an answer, and slow ones come one by one")
def trailing_and_slow():
    with harness.Faultd("--rule", "next 1: trailing-bytes close after-answer; "
                        "slow 5KiB/s close after-answer") as server:
        data, _ = ending(server, event("a"))
        is_true(data.endswith(b"HTTP/9.9 what is this\r\n\r\n"), "trailing")
        with Connection(server) as connection:
            connection.send(message(event("b")))
            pieces = 0
            while connection.socket.recv(65536):
                pieces += 1
        at_least(pieces, 3, "pieces of a slow answer")
        equal(server.ledger()["answered_2xx"], 2, "answered")


@test("single events are rejected by name and by chance, each time the same")
def rejections():
    events = [json.loads(event(f"id-{i}", "bad" if i == 7 else "good"))
              for i in range(100)]
    body = json.dumps({"events": events})
    with harness.Faultd("--batch", "100", "--rule",
                        "reject 10%; reject-name bad") as server:
        first = json.loads(exchange(server, body)[2])
        again = json.loads(exchange(server, body)[2])
        indexes = [one["index"] for one in first["rejected"]]
        is_true(7 in indexes, "the bad one is rejected")
        at_least(len(indexes), 3, "rejected")
        equal(first["accepted"], 100 - len(indexes), "accepted")
        equal(again["rejected"], first["rejected"], "the second time")
        equal([one["eventId"] for one in first["rejected"]],
              [f"id-{i}" for i in indexes], "names")
        equal(server.ledger()["stored"], 100 - len(indexes), "stored")


@test("requests may come in pieces, in chunks, and one behind the other")
def pieces():
    with harness.Faultd() as server:
        with Connection(server) as connection:
            data = message(event("a"))
            for i in range(0, len(data), 7):
                connection.send(data[i:i + 7])
            equal(connection.answer()[0], 200, "in pieces")
            connection.send(message(event("b")) + message(event("c")))
            equal((connection.answer()[0], connection.answer()[0]), (200, 200),
                  "pipelined")
            body = event("d").encode()
            connection.send(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked"
                            b"\r\n\r\n5\r\n" + body[:5] + b"\r\n"
                            + f"{len(body) - 5:X}".encode() + b"\r\n"
                            + body[5:] + b"\r\n0\r\n\r\n")
            equal(connection.answer()[0], 200, "chunked")
        equal(sorted(one["id"] for one in server.events()), list("abcd"), "ids")


@test("the same seed gives the same faults")
def seeds():
    def run(seed):
        with harness.Faultd("--seed", seed, "--rule", "30%: 503") as server:
            with Connection(server) as connection:
                statuses = []
                for i in range(60):
                    connection.send(message(event(str(i))))
                    statuses.append(connection.answer()[0])
                return statuses
    equal(run("5"), run("5"), "faults of two runs")
    is_true(run("5") != run("6"), "another seed, other faults")


@test("the admin API changes rules, refuses bad ones and starts anew")
def admin():
    with harness.Faultd("--rule", "503") as server:
        equal(exchange(server, event("a"))[0], 503, "before")
        server.set_rules("next 1: 429")
        server.add_rules("next 1: 500")
        equal([exchange(server, event("a"))[0] for _ in range(3)],
              [429, 500, 200], "after")
        try:
            server.set_rules("never: mind")
            raise harness.Failed("a bad rule was taken")
        except harness.urllib.error.HTTPError as answer:
            equal(answer.code, 400, "status for a bad rule")
            is_true("never" in answer.read().decode(), "it is named")
        equal(len(server.rules()), 2, "rules left as they were")
        server.ask("/__faults/reset", "", "POST")
        ledger = server.ledger()
        equal((ledger["requests"], ledger["stored"], len(server.rules())),
              (0, 0, 0), "after a reset")


@test("the log has each request with its head and body")
def log():
    with harness.Faultd("--gzip", "on", log=True) as server:
        exchange(server, gzip.compress(event("a", "caf\u00e9").encode()),
                 headers=["Content-Encoding: gzip", "X-API-Key: dk_x"])
        line = server.logged()[0]
        equal((line["status"], line["path"], line["headers"]["X-API-Key"]),
              (200, "/track", "dk_x"), "head")
        equal(json.loads(line["body"])["event"], "caf\u00e9", "body")


@test("a command line that makes no sense is refused with a way out")
def command_line():
    for arguments in (["--rule", "bogus"], ["--batch", "0"], ["--gzip", "yes"],
                      ["--what"], ["--listen"], ["word"],
                      ["--script", "/nonexistent"], ["--seed", "x"]):
        run = subprocess.run([harness.program("datalyr-faultd"), *arguments],
                             capture_output=True, text=True, timeout=60,
                             check=False)
        equal(run.returncode, 2, f"exit code of {arguments}")
        is_true("try:" in run.stderr, f"a way out, found {run.stderr!r}")
    run = subprocess.run([harness.program("datalyr-faultd"), "--listen", "x:0"],
                         capture_output=True, text=True, timeout=60,
                         check=False)
    equal(run.returncode, 5, "exit code where it cannot listen")


@test("a script has rules line by line, and SIGTERM ends the server cleanly")
def script():
    with harness.folder() as folder:
        path = os.path.join(folder, "rules")
        with open(path, "w", encoding="utf-8") as file:
            file.write("# two faults\nnext 1: 503\n\nnext 1: 429  # then\n")
        with harness.Faultd("--script", path) as server:
            equal([exchange(server, event("a"))[0] for _ in range(3)],
                  [503, 429, 200], "statuses")
            equal(server.stop(), 0, "exit code")


if __name__ == "__main__":
    harness.main()
