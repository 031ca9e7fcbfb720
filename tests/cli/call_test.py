#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""track, identify, group, page, alias; flags, settings, errors, exit codes."""
import json
import os
import re
import shutil
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli
from cli import KEY, Folder, Server, contains, equal, is_true, run, test


@test("track sends one event with typed properties and prints its id")
def track_one():
    with Server() as server:
        done = run("track", "purchase", "--user", "u 1", "--host", server.host,
                   "--prop", "a=1.50", "--prop", "b=true", "--prop", "c=007",
                   "--prop", 'd:=[1,{"x":12345678901234567890}]',
                   "--prop", "e==5", "--prop", "f=null", "--prop", "g=",
                   "--event-id", "e-1", "--timestamp", "2026-03-04T05:06:07Z",
                   "--session", "s-1", code=0)
        equal(done.out, "delivered=1 duplicates=0 event_id=e-1\n", "stdout")
        event = server.only
        equal(event["userId"], "u 1", "user")
        equal(event["timestamp"], "2026-03-04T05:06:07.000Z", "time")
        equal(event["context"]["session_id"], "s-1", "session")
        equal(event["properties"],
              {"a": "1.50", "b": True, "c": "007",
               "d": ["1", {"x": "12345678901234567890"}], "e": "5", "f": None,
               "g": ""}, "properties")
        contains(server.requests[0][1], '"a":1.50,"b":true,"c":"007",'
                 '"d":[1,{"x":12345678901234567890}],"e":"5"', "wire")


@test("a disabled command says so, sends nothing and ends well")
def disabled():
    with Server() as server:
        for words, expected in (
                ((), "disabled=1 duplicates=0 event_id=\n"),
                (("--json",), '{"type":"disabled","command":"track",'
                              '"eventId":"","duplicate":false}\n')):
            done = run("track", "e", "--user", "u", "--enabled=false",
                       "--host", server.host, *words, code=0)
            equal(done.out, expected, "stdout")
            if not words:
                contains(done.err, "nothing was sent: enabled is false",
                         "stderr")
        done = run("track", "", "--user", "u", "--enabled=false",
                   "--host", server.host, code=2)
        contains(done.err, "event is missing", "stderr")
        equal(server.requests, [], "requests")


@test("a later --prop wins, over an earlier one and over --properties")
def last_wins():
    with Server() as server:
        run("track", "x", "--user", "u", "--host", server.host, "--prop", "a=1",
            "--prop", "a=2", "--properties", '{"a":3,"b":4.0}', code=0)
        contains(server.requests[0][1], '"properties":{"a":2,"b":4.0}', "wire")


@test("identify, group, page and alias send their calls")
def other_calls():
    with Server() as server:
        host = ("--host", server.host)
        run("identify", "u1", "--trait", "plan=pro", "--anonymous", "anon_1",
            *host, code=0)
        run("group", "u1", "g1", "--traits", '{"size":5}', *host, code=0)
        run("page", "u1", "Home", "--prop", "ref=x", *host, code=0)
        run("alias", "u1", "old", *host, code=0)
        events = {e["event"]: e for e in server.events.values()}
        equal(set(events), {"$identify", "$group", "$pageview", "$alias"},
              "events")
        equal(events["$identify"]["anonymousId"], "anon_1", "anonymous id")
        equal(events["$group"]["properties"], {"groupId": "g1", "size": "5"},
              "group")
        equal(events["$pageview"]["properties"]["url"], "Home", "url")
        equal(events["$alias"]["properties"]["previousId"], "old", "previous")


@test("--json makes results and errors NDJSON with a type, also on usage")
def json_everywhere():
    with Server() as server:
        for words, kind, code in (
                (("track", "x", "--user", "u", "--host", server.host),
                 "delivered", 0),
                (("track", "x", "--host", server.host), "error", 2),
                (("track", "x", "--usr", "u"), "error", 2),
                (("nonsense",), "error", 2), (("help",), "help", 0),
                (("help", "import"), "help", 0), (("version",), "version", 0),
                (("import", "/does/not/exist"), "error", 5),
                (("track", "x", "--user", "u", "--host", "http://127.0.0.1:1/",
                  "--retry-limit", "0", "--flush-interval-ms", "100"),
                 "dropped", 3)):
            done = run(*words, "--json", code=code)
            equal(done.lines[0]["type"], kind, f"type of {words}")
            is_true("\033" not in done.out, "no escape in JSON")
            for line in done.lines:
                is_true("type" in line, f"{line} has a type")


@test("a key in the arguments is not in the process list")
def key_is_wiped():
    def slow(number, events):
        asked.set()
        answered.wait(cli.PATIENCE_S)

    asked, answered = threading.Event(), threading.Event()
    for words in (["--api-key", KEY], ["--api-key=" + KEY]):
        asked.clear()
        answered.clear()
        with Server(slow) as server:
            process = subprocess.Popen(
                cli.command("track", "x", "--user", "u", "--host", server.host,
                            *words), env=cli.environment("/nonexistent"),
                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            is_true(asked.wait(cli.PATIENCE_S), "the request came")
            with open(f"/proc/{process.pid}/cmdline", "rb") as file:
                listed = file.read()
            answered.set()
            process.communicate(timeout=cli.PATIENCE_S)
            is_true(KEY.encode() not in listed, f"key in {listed!r}")
            equal(server.requests[0][0]["X-API-Key"], KEY, "key as sent")


@test("--api-key-file and the environment give the key, flags win")
def key_sources():
    with Server() as server, Folder() as folder:
        path = folder.file("key", "  dk_from_file_1234 \nsecond line\n")
        run("track", "x", "--user", "u", "--host", server.host,
            "--api-key-file", path, code=0)
        run("track", "x", "--user", "u", "--host", server.host,
            "--api-key-file", path, "--api-key", "dk_flag_99999", code=0)
        run("track", "x", "--user", "u", "--host", server.host, code=0)
        equal([r[0]["X-API-Key"] for r in server.requests],
              ["dk_from_file_1234", "dk_flag_99999", KEY], "keys")


@test("no key is a usage error that says how to give one")
def no_key():
    done = run("track", "x", "--user", "u", code=2, DATALYR_API_KEY=None)
    contains(done.tries[0], "DATALYR_API_KEY", "way out")


@test("a refused key ends with 4, an unreachable server with 3")
def refused_and_unreached():
    with Server(lambda number, events: 401) as server:
        done = run("track", "x", "--user", "u", "--host", server.host, code=4)
        contains(done.err, "401", "reason")
        is_true(KEY not in done.err + done.out, "the key is not shown")
    done = run("track", "x", "--user", "u", "--host", "http://127.0.0.1:1/",
               "--retry-limit", "0", "--flush-interval-ms", "100", code=3)
    contains(done.err, "cannot reach http://127.0.0.1:1/", "reason")
    equal(done.tries, ["datalyr doctor"], "way out")


@test("unknown commands and flags name the nearest and the whole command")
def suggestions():
    for words, tried in (
            (("trakc", "x", "--user", "a b"),
             "datalyr track x --user 'a b'"),
            (("track", "x", "--usr", "u"), "datalyr track x --user u"),
            (("track", "x", "--flush_at=5"), "datalyr track x --flush-at=5"),
            (("track", "x", "--overflw", "block"),
             "datalyr track x --overflow block"),
            (("track", "x", "--zzzzzz"), "datalyr help track"),
            (("import", "f", "--api-key", KEY, "--reject", "r"),
             "datalyr import f --rejects r")):
        done = run(*words, code=2)
        equal(done.tries, [tried], f"way out of {words}")
        equal(done.out, "", "stdout")


@test("a setting out of range is refused with a command that works")
def bad_setting():
    done = run("track", "x", "--user", "u", "--flush-at", "-4", code=2)
    contains(done.err, "flush_at", "setting")
    equal(done.tries, ["datalyr track x --user u --flush-at=20"], "way out")


@test("bad arguments are refused before anything is sent")
def bad_arguments():
    with Server() as server:
        for words in (("track",), ("track", "a", "b"), ("group", "u"),
                      ("track", "x", "--user"),
                      ("track", "x", "--user", "u", "--prop", "novalue"),
                      ("track", "x", "--user", "u", "--prop", "a:={"),
                      ("track", "x", "--user", "u", "--properties", "[1]"),
                      ("track", "x", "--user", "u", "--timestamp", "soon"),
                      ("track", "", "--user", "u"), ("track", "x"),
                      ("track", "x", "--user", "u", "--json=yes"),
                      ("track", "x", "--user", "u", "--color", "pink"),
                      ("track", "x", "-u", "u")):
            run(*words, *([] if len(words) < 3 else ["--host", server.host]),
                code=2)
        equal(server.requests, [], "requests")


@test("naughty strings arrive unchanged as names, ids, keys and values")
def naughty_strings():
    with open(cli.need("hostile/strings/blns.json"), encoding="utf-8") as file:
        strings = [s for s in json.load(file) if s and "\0" not in s]
    sample = strings[::12]
    with Server() as server:
        for text in sample:
            run("track", f"--user={text}", f"--event-id={text}",
                "--properties", json.dumps({text: text}), "--host",
                server.host, "--", text, code=0)
        for text in sample:
            event = server.events[text]
            equal(event["event"], text, "name")
            equal(event["userId"], text, "user")
            equal(event["properties"], {text: text}, "properties")


@test("control characters of foreign text never reach the terminal")
def escaped():
    done = run("track", "x", "--\033[31mred", code=2)
    is_true("\033" not in done.err, repr(done.err))


@test("colour follows --color, NO_COLOR, CLICOLOR_FORCE and TERM")
def colour():
    def is_coloured(*words, **extra):
        return "\033[" in run("nonsense", *words, code=2, **extra).err

    equal(is_coloured(), False, "no terminal")
    equal(is_coloured(CLICOLOR_FORCE="1"), True, "forced")
    equal(is_coloured(CLICOLOR_FORCE="1", NO_COLOR="1"), False, "NO_COLOR")
    equal(is_coloured(CLICOLOR_FORCE="1", NO_COLOR=""), True, "empty NO_COLOR")
    done = run("track", "x", "--color=always", "--user", "u", "--flush-at=-4",
               code=2, NO_COLOR="1")
    contains(done.err, "\033[", "--color wins")


@test("every help has the exit codes, and lists every setting as a flag")
def helps():
    text = run("help", code=0).out
    names = re.findall(r"^  (\w+) {2,}\S", text.split("Commands")[1]
                       .split("\n\n")[0], re.M)
    is_true({"track", "identify", "group", "page", "alias", "import",
             "doctor", "version", "help"} <= set(names), f"commands {names}")
    for name in names:
        by_help = run("help", name, code=0).out
        equal(run(name, "--help", code=0).out, by_help, f"--help of {name}")
        for number in (0, 1, 2, 3, 4, 5, 130):
            contains(by_help, f"\n  {number} ", f"exit code in help {name}")
    text = run("help", "track", code=0).out
    for flag in ("--flush-at VALUE", "--max-queue-bytes VALUE", "--debug"):
        contains(text, f"\n  {flag}\n", "settings")


@test("the manual page is what the tables say, and man reads it")
def manual():
    made = run("help", "--man", code=0).out
    with open(os.path.join(cli.SOURCE, "docs", "man", "datalyr.1")) as file:
        equal(file.read(), made, "docs/man/datalyr.1; datalyr help --man > it")
    for flag in re.findall(r"^  (--[a-z-]+)", run("help", "import").out, re.M):
        contains(made, "\\fB" + flag.replace("-", "\\-"), "flag of import")
    if shutil.which("man"):
        shown = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", "-"],
            input=made.encode(), capture_output=True, timeout=cli.PATIENCE_S)
        equal(shown.stderr, b"", "warnings of man")


@test("stdout that cannot be written is an error")
def full_stdout():
    with open("/dev/full", "wb") as full:
        process = subprocess.run(cli.command("version"), stdout=full,
                                 stderr=subprocess.PIPE,
                                 env=cli.environment("/nonexistent"))
    equal(process.returncode, 5, "exit code")


if __name__ == "__main__":
    cli.main()
