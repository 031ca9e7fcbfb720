# SPDX-License-Identifier: MIT
"""What datalyrd takes, refuses and keeps, over HTTP."""
import gzip
import json
import os
import re
import stat
import subprocess
import tempfile

from collector import BIN, KEY, Collector, equal, event, true
from tap import Tap

tap = Tap()


def start_says_all_in_eight_lines():
    with Collector() as collector:
        lines = collector.start_lines
        true(len(lines) <= 8, "%d start lines" % len(lines))
        text = "\n".join(lines)
        for word in (collector.address, "curl ", "store.db", "Ctrl-C"):
            true(word in text, word + " is not in the start lines")
        true(KEY not in text, "the given key is printed")
        equal(os.path.exists(collector.folder + "/store.db.key"), False,
              "a key file although a key was given")


def empty_store_makes_a_key():
    with Collector(keys=()) as collector:
        path = collector.folder + "/store.db.key"
        key = open(path).read().strip()
        true(re.fullmatch(r"dk_[0-9a-f]{32}", key), "the key is " + key)
        equal(stat.S_IMODE(os.stat(path).st_mode), 0o600, "mode of the key")
        true(key not in "\n".join(collector.start_lines),
             "the key is printed though nobody sits at a terminal")
        equal(collector.post("/track", event(userId="u"), key=key).status, 200,
              "status with the key of the file")
        collector.restart()
        equal(open(path).read().strip(), key, "key after a restart")
        equal(collector.post("/track", event(userId="u"), key=key).status, 200,
              "status after the restart")


def single_event_is_kept_as_sent():
    text = (b'{"userId":"u\\u00e91","eventId":"e1","event":"purchase",'
            b'"properties":{"revenue":99.990,"big":9007199254740993,'
            b'"tiny":1e-400,"text":"\\u00e9\\/"},"context":{"library":"x"},'
            b'"timestamp":"2026-03-04T05:06:07.089Z"}')
    with Collector() as collector:
        answer = collector.post("/track", text)
        equal(answer.status, 200, "status")
        equal(answer.json, {"success": True, "accepted": 1, "duplicates": 0,
                            "rejected": []}, "answer")
        equal(answer.headers["x-datalyr-batch"], "10000", "X-Datalyr-Batch")
        equal(answer.headers["accept-encoding"], "gzip", "Accept-Encoding")
        body = collector.get("/api/v1/events", user="u\u00e91").body
        for part in (b'"revenue":99.990', b'"big":9007199254740993',
                     b'"tiny":1e-400', b'"text":"\\u00e9\\/"',
                     b'"timestamp":"2026-03-04T05:06:07.089Z"'):
            true(part in body, "%r is not in %r" % (part, body))


def one_bad_event_takes_no_good_one_with_it():
    with Collector() as collector:
        answer = collector.post("/batch", {"events": [
            event(userId="u", eventId="a"),
            {"event": "", "userId": "u", "eventId": "b"},
            {"event": "x", "eventId": "c"},
            7,
            event(userId="u", eventId="d", properties=[1]),
            event(anonymousId="v", eventId="e")]})
        equal(answer.status, 200, "status")
        body = answer.json
        equal((body["success"], body["accepted"], body["duplicates"]),
              (True, 2, 0), "verdict")
        equal([(r["index"], r.get("eventId"), r.get("field"))
               for r in body["rejected"]],
              [(1, "b", "event"), (2, "c", "userId"), (3, None, None),
               (4, "d", "properties")], "refusals")
        equal([e["eventId"] for e in collector.events()], ["a", "e"], "kept")
        equal(collector.stats()["rejected"], 4, "counted refusals")


def single_bad_event_is_400():
    with Collector() as collector:
        answer = collector.post("/track", {"event": "x"})
        equal(answer.status, 400, "status")
        equal(answer.json["field"], "userId", "field")
        equal(len(answer.json["rejected"]), 1, "refusals")


def ids_are_stored_once():
    with Collector() as collector:
        first = event(userId="u", eventId="same", properties={"n": 1})
        collector.send(first)
        equal(collector.send(first, first)["duplicates"], 2, "duplicates")
        answer = collector.send(event(userId="u", eventId="same",
                                      properties={"n": 2}),
                                event(userId="u", eventId="other"),
                                event(userId="u", eventId="other"))
        equal((answer["accepted"], answer["duplicates"]), (1, 2), "verdict")
        equal([e["properties"] for e in collector.events(id="same")],
              [{"n": 1}], "the first one stays")
        stats = collector.stats()
        equal((stats["events"], stats["duplicates"], stats["idConflicts"]),
              (2, 4, 1), "stats")
        collector.restart()
        equal(collector.send(first)["duplicates"], 1, "after a restart")
        stats = collector.stats()
        equal((stats["events"], stats["duplicates"], stats["idConflicts"]),
              (2, 5, 1), "stats after a restart")


def gzip_bodies_are_read():
    with Collector() as collector:
        body = {"events": [event(userId="u%d" % i) for i in range(500)]}
        equal(collector.post("/batch", body, zipped=True).json["accepted"],
              500, "accepted")
        data = gzip.compress(json.dumps(event(userId="m")).encode())
        half = len(data) // 2
        equal(collector.post("/track", data[:half],
                             {"Content-Encoding": "gzip"}).status, 400,
              "status of a gzip body that ends too early")
        equal(collector.post("/track", b"no gzip",
                             {"Content-Encoding": "gzip"}).status, 400,
              "status of a body that is no gzip")
        equal(collector.post("/track", data,
                             {"Content-Encoding": "br"}).status, 415,
              "status of an unknown coding")
        members = gzip.compress(b'{"event":"two",') + gzip.compress(
            b'"userId":"members"}')
        equal(collector.post("/track", members,
                             {"Content-Encoding": "gzip"}).status, 200,
              "status of two gzip members")
        equal(collector.stats()["events"], 501, "events")


def limits_are_kept():
    with Collector("--max-batch", "10", "--max-body", "10KiB",
                   "--max-decoded", "20KiB", "--max-depth", "20") as collector:
        eleven = {"events": [event(userId="u") for _ in range(11)]}
        equal(collector.post("/batch", eleven).status, 413, "11 events")
        equal(collector.post("/track", event(
            userId="u", properties={"x": "y" * 10240})).status, 413, "a body")
        bomb = {"events": [event(userId="u", properties={"x": " " * 30000})]}
        equal(collector.post("/batch", bomb, zipped=True).status, 413,
              "what a gzip body becomes")
        deep = (b'{"event":"x","userId":"u","properties":{"a":' + b"[" * 30 +
                b"]" * 30 + b"}}")
        equal(collector.post("/track", deep).status, 400, "depth")
        chunked = (b"POST /track HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: " +
                   KEY.encode() + b"\r\nConnection: close" +
                   b"\r\nTransfer-Encoding: chunked\r\n\r\n" +
                   b"1000\r\n" + b" " * 4096 + b"\r\n" +
                   b"2000\r\n" + b" " * 8192 + b"\r\n0\r\n\r\n")
        true(collector.raw(chunked, shut=True).startswith(b"HTTP/1.1 413"),
             "a chunked body over the limit is refused")
        equal(collector.stats()["events"], 0, "events")


def rate_is_limited_by_key():
    with Collector("--rate-limit", "1", "--rate-burst", "3",
                   keys=(KEY, "dk_other_key_9876")) as collector:
        answers = [collector.post("/track", event(userId="u"))
                   for _ in range(4)]
        equal([a.status for a in answers], [200, 200, 200, 429], "statuses")
        true(1 <= int(answers[3].headers["retry-after"]) <= 30, "Retry-After")
        equal(answers[0].headers["x-ratelimit-limit"], "1", "limit")
        equal(answers[0].headers["x-ratelimit-remaining"], "2", "remaining")
        true("x-ratelimit-reset" in answers[3].headers, "no reset")
        equal(collector.post("/track", event(userId="u"),
                             key="dk_other_key_9876").status, 200,
              "status of another key")


def keys_are_asked_for():
    with Collector() as collector:
        for headers in ({"X-API-Key": KEY}, {"X-Datalyr-API-Key": KEY},
                        {"Authorization": "Bearer " + KEY}):
            equal(collector.post("/track", event(userId="u"), headers,
                                 key=None).status, 200, str(headers))
        for key in (None, "dk_wrong", KEY[:-1], KEY + "0"):
            answer = collector.post("/track", event(userId="u"), key=key)
            equal(answer.status, 401, "status with key %r" % key)
            true(answer.json["hint"], "no hint")
        equal(collector.stats()["events"], 3, "events")


def any_path_takes_events_but_api_does_not():
    with Collector() as collector:
        for path in ("/", "/track", "/batch", "/v1/import", "//track/",
                     "/healthz2"):
            equal(collector.post(path, event(userId="u")).status, 200, path)
        for path in ("/api/track", "/api/v1/nothing", "/api"):
            equal(collector.post(path, event(userId="u")).status, 404, path)
        equal(collector.stats()["events"], 6, "events")


def log_has_a_line_for_each_request():
    with Collector("--log", "-") as collector:
        collector.send(event(userId="u"), event(userId="v"))
        collector.get("/api/v1/events?user=secret-user")
        collector.request("GET", "/no%0A/such")
        collector.stop()
        lines = [json.loads(line) for line in
                 open(collector.folder + "/stderr") if line[0] == "{"]
        equal([(x["method"], x["path"], x["status"], x["events"])
               for x in lines],
              [("POST", "/batch", 200, 2), ("GET", "/api/v1/events", 200, 0),
               ("GET", "/no%0A/such", 404, 0)], "lines")
        equal(lines[0]["key"], "dk_\u2026" + KEY[-4:], "masked key")
        text = open(collector.folder + "/stderr").read()
        true(KEY not in text and "secret-user" not in text, "a secret is shown")


def stopping_answers_what_is_in_work():
    with Collector() as collector:
        for i in range(20):
            collector.send(event(userId="u%d" % i), event(userId="w%d" % i))
        equal(collector.stop(), {"accepted": 40, "duplicates": 0,
                                 "rejected": 0}, "ledger")


def wrong_options_are_named():
    for arguments, code, words in (
            (["--listne", "x"], 2, "--listne"),
            (["--rate-limit", "0"], 2, "range"),
            (["--listen", "nowhere"], 2, "HOST:PORT"),
            (["--store", "mysql:x"], 2, "sqlite:PATH"),
            (["--cert", "x"], 2, "--key"),
            (["--store"], 2, "sqlite:PATH")):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [os.path.join(BIN, "datalyrd")] + arguments, cwd=folder,
                capture_output=True, text=True)
        equal(done.returncode, code, "exit code of %s" % arguments)
        true(words in done.stderr, "%r says %r" % (arguments, done.stderr))


def second_owner_of_a_store_is_told():
    with Collector() as collector:
        done = subprocess.run(
            [os.path.join(BIN, "datalyrd"), "--listen", "127.0.0.1:0",
             "--store", "sqlite:" + collector.folder + "/store.db"],
            capture_output=True, text=True)
        equal(done.returncode, 5, "exit code")
        true("in use" in done.stderr, done.stderr)
        done = subprocess.run(
            [os.path.join(BIN, "datalyrd"), "--listen",
             "127.0.0.1:%d" % collector.port, "--store",
             "sqlite:" + collector.folder + "/other.db"],
            capture_output=True, text=True)
        equal(done.returncode, 3, "exit code for a port that is taken")


tap.check("the start lines name address, command, store and how to stop",
          start_says_all_in_eight_lines)
tap.check("an empty store makes itself a key that survives restarts",
          empty_store_makes_a_key)
tap.check("a single event comes back digit for digit",
          single_event_is_kept_as_sent)
tap.check("a bad event takes no good one with it",
          one_bad_event_takes_no_good_one_with_it)
tap.check("a single bad event is refused with 400", single_bad_event_is_400)
tap.check("an event id is stored once, also over a restart",
          ids_are_stored_once)
tap.check("gzip bodies are read, broken ones refused", gzip_bodies_are_read)
tap.check("limits of count, size, decoded size and depth hold",
          limits_are_kept)
tap.check("each key has its own rate", rate_is_limited_by_key)
tap.check("three forms of the key are taken, wrong keys are not",
          keys_are_asked_for)
tap.check("any path takes events except those of the API",
          any_path_takes_events_but_api_does_not)
tap.check("the log has a line for each request and no secret",
          log_has_a_line_for_each_request)
tap.check("SIGTERM ends with 0 and the ledger", stopping_answers_what_is_in_work)
tap.check("a wrong option is named", wrong_options_are_named)
tap.check("a store and a port have one owner", second_owner_of_a_store_is_told)
tap.finish()
