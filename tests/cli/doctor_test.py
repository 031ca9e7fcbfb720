#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""datalyr doctor: each thing that can stand in the way has its finding."""
import email.utils
import os
import shutil
import ssl
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import cli
from cli import KEY, Folder, Server, contains, equal, is_true, run, test


def doctor(*words, code=None, **extra):
    done = run("doctor", "--json", *words, code=code, **extra)
    for finding in done.lines:
        if finding["type"] == "finding" and finding["verdict"] != "ok":
            is_true(finding.get("try"), f"{finding} says what to do")
    return {f.get("check", f["type"]): f for f in done.lines}, done


@test("all is well with a server that answers, and nothing is sent")
def all_well():
    with Server() as server:
        found, done = doctor("--host", server.host, code=0)
        equal({f["verdict"] for f in found.values()}, {"ok"}, "verdicts")
        equal(set(found), {"key", "host", "proxy", "dns", "connect", "answer",
                           "batches", "clock"}, "checks")
        contains(found["batches"]["message"], "10000 events", "batches")
        equal(server.events, {}, "events")
        is_true(KEY not in done.out, "the key is not shown")
        contains(found["key"]["message"], "dk_…4242 from DATALYR_API_KEY",
                 "key")


@test("--send delivers one test event")
def send():
    with Server() as server:
        found, _ = doctor("--host", server.host, "--send", code=0)
        equal(server.only["event"], "datalyr_doctor", "event")
        contains(found["send"]["message"], server.only["eventId"], "its id")


@test("a setting that keeps everything from being sent is a problem")
def disabled():
    with Server() as server:
        found, _ = doctor("--host", server.host, "--enabled=false", code=1)
        equal(found["enabled"]["verdict"], "problem", "verdict")
        contains(found["enabled"]["message"], "nothing is sent", "finding")


@test("faults of key, address and server have their exit code and a way out")
def faults():
    with Server(lambda number, events: 401) as server:
        found, _ = doctor("--host", server.host, code=4)
        contains(found["answer"]["message"], "401", "answer")
    for status, code in ((404, 3), (302, 3), (503, 3), (429, 0), (400, 0)):
        with Server(lambda number, events: status, batches=False) as server:
            found, _ = doctor("--host", server.host, code=code)
            contains(found["answer"]["message"], str(status), "answer")
            contains(found["batches"]["message"], "not offered", "batches")
    found, _ = doctor("--host", "http://127.0.0.1:1/", code=3)
    equal(found["connect"]["verdict"], "problem", "connect")
    found, _ = doctor("--host", "http://no-such-name.invalid/", code=3)
    equal(found["dns"]["verdict"], "problem", "dns")
    found, _ = doctor("--host", "ftp://x/", code=2)
    equal(found["host"]["verdict"], "problem", "host")
    found, _ = doctor("--host", "http://127.0.0.1:1/", DATALYR_API_KEY=None,
                      code=2)
    equal(found["key"]["verdict"], "problem", "key")
    found, _ = doctor("--host", "http://127.0.0.1:1/", "--api-key", "abcdefgh")
    equal(found["key"]["verdict"], "warning", "key")


@test("a clock that is off is named with its direction")
def clock():
    for ahead_s, verdict, code, word in ((600, "problem", 1, "behind"),
                                         (-600, "problem", 1, "ahead of"),
                                         (60, "warning", 0, "behind")):
        def dated(number, events):
            return 200, {"Date": email.utils.formatdate(
                time.time() + ahead_s, usegmt=True)}

        with Server(dated) as server:
            server.http.RequestHandlerClass.date_time_string = (
                lambda self, timestamp=None: email.utils.formatdate(
                    time.time() + ahead_s, usegmt=True))
            found, _ = doctor("--host", server.host, code=code)
            equal(found["clock"]["verdict"], verdict, "verdict")
            contains(found["clock"]["message"], word, "direction")


@test("a proxy is named with where it comes from, its password is not")
def proxy():
    with Server() as server:
        found, done = doctor("--host", "http://collector.example/track",
                             "--proxy", server.host.replace(
                                 "http://", "http://user:geheim@"), code=0)
        contains(found["proxy"]["message"], "the setting proxy", "origin")
        is_true("geheim" not in done.out, "password")
        contains(server.requests[0][0]["Host"], "collector.example", "asked")
        found, _ = doctor("--host", server.host, code=0,
                          http_proxy="http://127.0.0.1:1/")
        contains(found["proxy"]["message"], "not used", "loopback")
    found, _ = doctor("--host", "http://collector.example/track", code=3,
                      http_proxy="http://127.0.0.1:1/")
    contains(found["proxy"]["message"], "http_proxy", "origin")


@test("a certificate that cannot be verified is a TLS finding, --ca-file cures")
def tls():
    if shutil.which("openssl") is None:
        raise cli.Skipped("no openssl command")
    with Folder() as folder, Server() as server:
        key, cert = folder.file("key.pem"), folder.file("cert.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
             "-keyout", key, "-out", cert, "-days", "2", "-subj",
             "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1"],
            check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        server.http.socket = context.wrap_socket(server.http.socket,
                                                 server_side=True)
        host = server.host.replace("http:", "https:")
        found, _ = doctor("--host", host, code=3)
        equal(found["tls"]["verdict"], "problem", "verdict")
        found, _ = doctor("--host", host, "--ca-file", cert, code=0)
        equal(found["tls"]["verdict"], "ok", "verdict")


if __name__ == "__main__":
    cli.main()
