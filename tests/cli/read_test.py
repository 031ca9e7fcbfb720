#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tail, expect and export against a real collector."""
import json
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0:0] = [HERE, os.path.join(HERE, "..", "collector")]
import cli
import collector
from cli import Folder, contains, equal, is_true, run, test


def make(*arguments, folder=None):
    return collector.Collector("--rate-limit", "unlimited", *arguments,
                               keys=(cli.KEY,), folder=folder)


def send(server, name, number, user="u"):
    run("track", name, "--user", user, "--prop", f"n={number}", "--host",
        server.address + "/track", code=0)


def rest_of(process):
    """What a process still prints until it ends."""
    out = process.stdout.read()
    err = process.stderr.read()
    process.wait(cli.PATIENCE_S)
    process.stdout.close()
    process.stderr.close()
    return out, err


def load(server, count):
    lines = "".join(
        f'{{"event":"e{n % 3}","user_id":"u{n % 7}","n":{n},'
        f'"big":12345678901234567890,"price":{n}.50}}\n' for n in range(count))
    run("import", "-", "--source", f"s{count}", "--host",
        server.address + "/track", data=lines.encode(), code=0)


@test("export gives every event once, import takes it back unchanged")
def export():
    with make() as one, make() as two:
        load(one, 12000)
        done = run("export", "--collector", one.address, code=0)
        lines = done.out.splitlines()
        equal(len(lines), 12000, "lines")
        contains(done.out, '"big":12345678901234567890', "digits")
        equal(list(json.loads(lines[0])),
              ["userId", "eventId", "event", "properties", "context",
               "timestamp"], "members")
        ledger = run("import", "-", "--host", two.address + "/track",
                     data=done.out_bytes, code=0).ledger
        equal((ledger["delivered"], ledger["duplicates"]), (12000, 0), "there")
        again = run("export", "--collector", two.address, code=0)
        equal(sorted(again.out.splitlines()), sorted(lines), "exported again")
        some = run("export", "event:e1", "user=u1", "--collector",
                   one.address, code=0)
        equal(len(some.out.splitlines()),
              len([n for n in range(12000) if n % 3 == 1 and n % 7 == 1]),
              "filtered")
        one_event = run("export", "n=77", "event:e2", "--json", "--collector",
                        one.address, code=0).lines
        equal([(e["type"], e["properties"]["n"]) for e in one_event],
              [("event", 77)], "a property")


@test("tail shows what was there and what comes, and ends by count")
def tail():
    with make() as server:
        load(server, 2500)
        process = subprocess.Popen(
            cli.command("tail", "--since", "10m", "--count", "2502", "--json",
                        "--collector", server.address),
            env=cli.environment("/nonexistent"), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        first = json.loads(process.stdout.readline())
        equal(first["type"], "event", "type")
        send(server, "late", 1)
        send(server, "later", 2)
        out, err = rest_of(process)
        equal(process.returncode, 0, f"exit code, {err!r}")
        events = [first] + [json.loads(x) for x in out.decode().splitlines()]
        equal(len({e["eventId"] for e in events}), 2502, "each once")
        equal([e["event"] for e in events[-2:]], ["late", "later"], "order")


@test("tail goes on where it was when the collector comes back")
def tail_reconnects():
    with Folder() as folder, make("--test", folder=folder.path) as server:
        port = server.port
        send(server, "a", 1)
        process = subprocess.Popen(
            cli.command("tail", "--since", "c0", "--count", "3", "--collector",
                        server.address), env=cli.environment("/nonexistent"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        contains(process.stdout.readline().decode(), "  a  u  n=1", "first")
        server.stop()
        contains(process.stderr.readline().decode(), "does not answer", "note")
        server.arguments = ["--listen", f"127.0.0.1:{port}"]
        server.start()
        send(server, "b", 2)
        send(server, "c", 3)
        out, err = rest_of(process)
        equal(process.returncode, 0, f"exit code, {err!r}")
        equal([line.split("  ")[1] for line in out.decode().splitlines()],
              ["b", "c"], "events")


@test("hostile events move no cursor of the terminal")
def hostile():
    with make() as server:
        run("track", "\033[2Jevil\u202e", "--user", "\033]0;x\007", "--prop",
            "\033k=\033[31m", "--host", server.address + "/track", code=0)
        done = run("tail", "--since", "c0", "--count", "1", "--collector",
                   server.address, code=0)
        is_true(not re.search("[\033\007\u202e]", done.out), repr(done.out))
        contains(done.out, "evil", "event")


@test("tail that is interrupted ends with 130, out of time with 1")
def tail_ends():
    with make() as server:
        process = subprocess.Popen(
            cli.command("tail", "--since", "c0", "--collector",
                        server.address), env=cli.environment("/nonexistent"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        send(server, "a", 1)
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=cli.PATIENCE_S)
        equal(process.returncode, 130, "exit code")
        run("tail", "--count", "5", "--timeout", "50ms", "--collector",
            server.address, code=1)
        run("tail", "--timeout", "50ms", "--collector", server.address, code=0)


@test("expect passes, fails with what came close, and keeps its time")
def expect():
    with make() as server:
        where = ("--collector", server.address)
        send(server, "purchase", 5)
        send(server, "purchase", 6)
        done = run("expect", "event:purchase", "n=5", *where, code=0)
        contains(done.out, "purchase  u  n=5", "event")
        run("expect", "event:purchase", "--count", "2", *where, code=0)
        done = run("expect", "event:purchase", "n=7", "--timeout", "50ms",
                   *where, code=1)
        contains(done.err, "0 of 1 events came within 50ms", "reason")
        contains(done.err, "close, but for prop", "near miss")
        done = run("expect", "event:purchase", "--none", "--timeout", "50ms",
                   *where, code=1)
        contains(done.err, "an event came that should not", "reason")
        run("expect", "event:error", "--none", "--timeout", "50ms", *where,
            code=0)
        done = run("expect", "event:purchase", "n=7", "--timeout", "50ms",
                   "--json", *where, code=1)
        equal([line["type"] for line in done.lines],
              ["near_miss", "near_miss", "error"], "types")


@test("expect --order wants names one after the other")
def expect_order():
    with make() as server:
        where = ("user:u", "--collector", server.address)
        for number, name in enumerate(("signup", "view", "purchase")):
            send(server, name, number)
        run("expect", "--order", "signup,purchase", *where, code=0)
        done = run("expect", "--order", "purchase,signup", "--timeout",
                   "100ms", *where, code=1)
        contains(done.err, "still missing signup", "reason")


@test("expect waits for what is not there yet")
def expect_waits():
    with make() as server:
        process = subprocess.Popen(
            cli.command("expect", "event:soon", "--timeout", "30s",
                        "--collector", server.address),
            env=cli.environment("/nonexistent"), stdout=subprocess.PIPE)
        send(server, "other", 1)
        send(server, "soon", 2)
        out, _ = process.communicate(timeout=cli.PATIENCE_S)
        equal(process.returncode, 0, "exit code")
        contains(out.decode(), "soon", "event")


@test("no collector, a wrong key and wrong words have their exit codes")
def errors():
    for words in (("tail",), ("expect",), ("export",)):
        done = run(*words, "--collector", "http://127.0.0.1:1/", code=3)
        equal(len(done.tries), 1, "way out")
    with make() as server:
        where = ("--collector", server.address)
        done = run("export", "--since", "yesterday", *where, code=2)
        contains(done.err, "since", "field")
        run("export", "revenue>5", *where, code=2)
    with cli.Server() as server:
        where = ("--collector", server.host.replace("/track", "/"))
        for words, extra in (
                (("--read-key", "dk_read_9"), {}),
                ((), {"DATALYR_READ_KEY": "dk_read_9"})):
            done = run("export", *where, *words, code=4, **extra)
            contains(done.tries[0], "DATALYR_READ_KEY", "way out")
            equal(server.asked.pop(),
                  ("/api/v1/events?limit=5000", "Bearer dk_read_9"), "asked")


if __name__ == "__main__":
    cli.main()
