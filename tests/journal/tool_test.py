# SPDX-License-Identifier: MIT
"""`datalyr journal` and `datalyr track --journal-dir`: short-lived processes
leave events, tools see, deliver, export and discard them."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "..", "e2e"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from files import folder, segments  # noqa: E402
from harness import at_most, equal, is_true, test  # noqa: E402

KEY = "dk_test_tool_4711"


def environment(url):
    return harness.clean_environment(DATALYR_API_KEY=KEY, DATALYR_HOST=url)


def datalyr(url, *words, code=0, **more):
    done = subprocess.run([harness.program("datalyr"), *words],
                          capture_output=True, text=True,
                          timeout=harness.PATIENCE_S, env=environment(url),
                          **more)
    equal(done.returncode, code, f"datalyr {' '.join(words)} "
          f"({done.stdout}{done.stderr})")
    return done.stdout, done.stderr


def leave(where, url, count):
    queue = os.path.join(where, "queue")
    for number in range(count):
        datalyr(url, "track", "order", "--user", f"u{number}",
                "--event-id", f"left-{number}", "--journal-dir", queue)
    return queue


def stored(server):
    return sorted(event["id"] for event in server.events() if event["stored"])


@test("track with a journal answers without a connection, and leaves one small "
      "file")
def no_connection():
    with folder() as where, harness.Faultd() as server:
        leave(where, server.url, 3)
        equal(server.ledger()["connections"], 1, "connections but for ours")
        equal(len(segments(where)), 3, "files")
        for name in segments(where):
            at_most(os.path.getsize(name), 4096, "bytes of a file")


@test("list, show and export say what waits, in text and as JSON")
def see():
    with folder() as where, harness.Faultd() as server:
        queue = leave(where, server.url, 3)
        out, _ = datalyr(server.url, "journal", "list", queue)
        equal(len(out.splitlines()), 3, "lines of list")
        out, _ = datalyr(server.url, "journal", "list", queue, "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        equal([(row["type"], row["alive"], row["pending"]) for row in rows],
              [("journal", False, 1)] * 3, "rows of list")
        is_true(KEY not in out, "the key is not shown")
        out, _ = datalyr(server.url, "journal", "show", queue)
        is_true("order" in out and "left-2" in out, out)
        out, _ = datalyr(server.url, "journal", "export", queue)
        equal(sorted(json.loads(line)["eventId"] for line in out.splitlines()),
              ["left-0", "left-1", "left-2"], "exported ids")


@test("what export writes, import takes back with the same ids")
def round_trip():
    with folder() as where, harness.Faultd("--batch", "100") as server:
        queue = leave(where, server.url, 3)
        out, _ = datalyr(server.url, "journal", "export", queue)
        path = os.path.join(where, "pending.ndjson")
        with open(path, "w", encoding="utf-8") as file:
            file.write(out)
        datalyr(server.url, "import", path)
        equal(stored(server), ["left-0", "left-1", "left-2"], "stored")
        datalyr(server.url, "journal", "send", queue)
        equal(server.ledger()["stored"], 3, "stored after both")


@test("send delivers everything and leaves an empty directory")
def send():
    with folder() as where, harness.Faultd("--batch", "100") as server:
        queue = leave(where, server.url, 5)
        out, _ = datalyr(server.url, "journal", "send", queue)
        is_true("recovered=5 delivered=5 dropped=0 pending=0" in out, out)
        equal(stored(server), [f"left-{n}" for n in range(5)], "stored")
        equal(os.listdir(queue), [], "files left")
        _, err = datalyr(server.url, "journal", "send", queue)
        is_true("nothing to send" in err, err)


@test("send names events that are for another host or key, and leaves them")
def other():
    with folder() as where, harness.Faultd() as server:
        queue = leave(where, "http://127.0.0.1:9/track", 2)
        _, err = datalyr(server.url, "journal", "send", queue, code=1)
        is_true("2 events" in err and "another host or key" in err, err)
        equal(len(segments(where)), 2, "files")


@test("send --watch delivers what comes later, until it is interrupted")
def watch():
    with folder() as where, harness.Faultd("--batch", "100") as server:
        queue = leave(where, server.url, 1)
        watcher = subprocess.Popen(
            [harness.program("datalyr"), "journal", "send", queue, "--watch"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env=environment(server.url))
        try:
            server.wait_for(stored=1)
            datalyr(server.url, "track", "later", "--user", "u9", "--event-id",
                    "later-1", "--journal-dir", queue)
            server.wait_for(stored=2)
        finally:
            watcher.send_signal(signal.SIGINT)
            watcher.communicate(timeout=harness.PATIENCE_S)
        equal(watcher.returncode, 130, "exit code")
        equal(stored(server), ["later-1", "left-0"], "stored")


@contextlib.contextmanager
def living_owner(where, server):
    queue = os.path.join(where, "queue")
    with harness.Driver(server, "track:5", "pause", journal_dir=queue,
                        flush_at=1000, api_key=KEY) as driver:
        driver.step("pause")
        yield queue


@test("send and discard refuse a journal whose owner lives")
def alive():
    with folder() as where, harness.Faultd() as server, \
            living_owner(where, server) as queue:
        before = segments(where)
        _, err = datalyr(server.url, "journal", "send", queue, code=5)
        is_true("alive" in err, err)
        _, err = datalyr(server.url, "journal", "discard", queue, "--yes",
                         code=5)
        is_true("alive" in err, err)
        equal(segments(where), before, "files")


@test("discard wants --yes, and then removes what dead processes left")
def discard():
    with folder() as where, harness.Faultd() as server:
        queue = leave(where, server.url, 2)
        _, err = datalyr(server.url, "journal", "discard", queue, code=2)
        is_true("2 events" in err and "--yes" in err, err)
        equal(len(segments(where)), 2, "files")
        datalyr(server.url, "journal", "discard", queue, "--yes")
        equal(os.listdir(queue), [], "files left")


@test("the sample file of version 1 is read as ever: pending, settled, damaged "
      "and dropped records told apart")
def sample():
    here = os.path.dirname(os.path.abspath(__file__))
    with folder() as where:
        os.chmod(where, 0o700)
        name = os.path.join(where, "0" * 32 + "-00000001.seg")
        shutil.copyfile(os.path.join(here, "sample-v1.seg"), name)
        out, _ = datalyr("http://127.0.0.1:9/track", "journal", "export", where)
        events = [json.loads(line) for line in out.splitlines()]
        equal([event["eventId"] for event in events],
              ["sample-1", "sample-3", "sample-5"], "pending events")
        equal(events[0]["properties"], {"total": 99.99, "note": "Grüße"},
              "properties")
        out, _ = datalyr("http://127.0.0.1:9/track", "journal", "list", where,
                         "--json")
        row = json.loads(out)
        equal((row["pending"], row["damagedBytes"]), (3, 40), "counts")


@test("a directory that does not exist, and an unknown action, are told with a "
      "way out")
def mistakes():
    with folder() as where, harness.Faultd() as server:
        _, err = datalyr(server.url, "journal", "list",
                         os.path.join(where, "none"), code=5)
        is_true("cannot be read" in err and "try:" in err, err)
        _, err = datalyr(server.url, "journal", "lits", where, code=2)
        is_true("no action lits" in err, err)


if __name__ == "__main__":
    harness.main()
