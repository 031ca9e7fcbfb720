# SPDX-License-Identifier: MIT
"""Keys and workspaces: made, listed and revoked while the collector runs."""
import os
import re
import ssl
import subprocess
import http.client

from collector import BIN, KEY, Collector, equal, event, true
from tap import Skip, Tap

tap = Tap()


def command(collector, *arguments, expect=0):
    done = subprocess.run(
        [os.path.join(BIN, "datalyrd"), "key"] + list(arguments) +
        ["--store", "sqlite:" + collector.folder + "/store.db"],
        capture_output=True, text=True)
    equal(done.returncode, expect, "exit code, " + done.stderr)
    return done.stdout


def until(found, wanted):
    """Asks again until the collector has looked at its keys, which it does
    every second."""
    while True:
        got = found()
        if got == wanted:
            return
        true(got in (200, 401), "status %d" % got)


def keys_come_and_go():
    with Collector() as collector:
        key = command(collector, "add").strip()
        true(re.fullmatch(r"dk_[0-9a-f]{32}", key), key)

        def send():
            return collector.post("/track", event(userId="u"), key=key).status

        until(send, 200)
        listed = command(collector, "list")
        true(key not in listed and key[-4:] in listed, listed)
        true("write\tdefault" in listed and "good" in listed, listed)
        command(collector, "revoke", listed.split("\t")[0])
        until(send, 401)
        true("revoked" in command(collector, "list"), "not listed as revoked")
        command(collector, "revoke", "77", expect=2)
        command(collector, "add", "--role", "king", expect=2)
        command(collector, "lock", expect=2)
        stored = b"".join(open(os.path.join(base, name), "rb").read()
                          for base, _, names in os.walk(collector.folder)
                          for name in names)
        true(key.encode() not in stored, "the key itself is on disk")


def workspaces_do_not_see_each_other():
    with Collector("--allow-origin", "*") as collector:
        shop = command(collector, "add", "--workspace", "shop").strip()
        shop_reader = command(collector, "add", "--workspace", "shop",
                              "--role", "read").strip()
        collector.restart()
        same = event(userId="u", anonymousId="anon_1", eventId="same")
        equal(collector.send(same)["accepted"], 1, "accepted in default")
        equal(collector.send(same, key=shop)["accepted"], 1,
              "the same id in another workspace")
        collector.send(event(userId="only-shop", eventId="2"), key=shop)
        equal(collector.stats()["events"], 1, "events of default")
        headers = {"X-API-Key": shop_reader}
        stats = collector.get("/api/v1/stats", headers=headers).json
        equal((stats["events"], stats["users"]), (2, 2), "stats of shop")
        equal(collector.get("/api/v1/users/only-shop").status, 404,
              "a user of shop in default")
        equal(collector.get("/api/v1/users/only-shop",
                            headers=headers).status, 200, "in shop")
        page = {"events": [{"workspace_id": "shop", "event_name": "x",
                            "event_id": "3", "anonymous_id": "a"}]}
        equal(collector.post("/", page, {"Origin": "https://x.example"},
                             key=None).status, 200, "a page of shop")
        stats = collector.get("/api/v1/stats", headers=headers).json
        equal(stats["events"], 3, "events of shop")


def tls_is_spoken():
    with Collector() as plain:
        pair = [plain.folder + "/cert.pem", plain.folder + "/key.pem"]
        try:
            made = subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                 "-subj", "/CN=localhost", "-out", pair[0], "-keyout", pair[1]],
                capture_output=True)
        except FileNotFoundError:
            raise Skip("needs the openssl command")
        equal(made.returncode, 0, "openssl")
        with Collector("--cert", pair[0], "--key", pair[1]) as collector:
            equal(collector.scheme, "https", "scheme")
            connection = http.client.HTTPSConnection(
                "127.0.0.1", collector.port,
                context=ssl._create_unverified_context(), timeout=60)
            connection.request("POST", "/track",
                               '{"event":"x","userId":"u"}',
                               {"X-API-Key": KEY})
            equal(connection.getresponse().status, 200, "status")


tap.check("keys are added, listed and revoked while the collector runs",
          keys_come_and_go)
tap.check("workspaces share no event, id or user",
          workspaces_do_not_see_each_other)
tap.check("TLS with a certificate and its key", tls_is_spoken)
tap.finish()
