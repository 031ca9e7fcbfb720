# SPDX-License-Identifier: MIT
"""DELETE /api/v1/users/ID: what a person did goes, from every answer and from
the disk, and does not come back when it is delivered again."""
import hashlib
import json
import os
import random
import shutil
import threading

from collector import KEY, Collector, equal, event, true
from identity_model import journey, owner_map
from tap import Tap

tap = Tap()
ADMIN = "dk_admin_0123456789"
READ = "dk_read_0123456789"
OPTIONS = ("--admin-key", ADMIN, "--read-key", READ)


def forget(collector, user, key=ADMIN):
    headers = {"Authorization": "Bearer " + key} if key else {}
    return collector.request("DELETE", "/api/v1/users/" + user,
                             headers=headers)


def bytes_on_disk(collector):
    return b"".join(open(os.path.join(base, name), "rb").read()
                    for base, _, names in os.walk(collector.folder)
                    for name in names if name != "stderr")


def made(i, **fields):
    return event(("view", "order")[i % 2], i, eventId="secret-id-%03d" % i,
                 **fields)


def story():
    """60 events: ann before and after she is known, merged with old-ann; bob
    and ann on one device; kim by herself."""
    events = []
    for i in range(12):
        events.append(made(i, anonymousId="anon_a",
                           properties={"note": "ann-only-text"}))
    events.append(made(12, userId="ann@home", anonymousId="anon_a",
                       properties={"email": "ann@secret.example"}))
    for i in range(13, 22):
        events.append(made(i, userId="old-ann",
                           properties={"note": "ann-only-text"}))
    events.append(event("$alias", 22, userId="ann@home", eventId="secret-id-022",
                        properties={"previousId": "old-ann"}))
    for i in range(23, 60):
        who = {"userId": ("bob", "kim")[i % 2]}
        if i % 2 == 0:
            who["anonymousId"] = "anon_shared"
        events.append(made(i, properties={"note": "stays"}, **who))
    events.append(event("view", 60, eventId="secret-id-060", userId="ann@home",
                        anonymousId="anon_shared",
                        properties={"note": "ann-only-text"}))
    return events


def a_person_is_gone_everywhere():
    for rows in ("7", "1000"):
        events = story()
        gone = set(journey(events, "ann@home"))
        equal(len(gone), 24, "what the model says is hers")
        with Collector("--partition-rows", rows, "--log", "-",
                       *OPTIONS) as collector:
            random.Random(7).shuffle(events)
            for e in events:
                collector.send(e)
            equal(collector.stats()["users"], 4, "users before")
            true(b"ann-only-text" in bytes_on_disk(collector), "nothing to do")
            answer = forget(collector, "ann%40home")
            equal((answer.status, answer.json["events"]), (200, 24),
                  "%r" % answer)
            check_gone(collector, events, gone)
            answer = forget(collector, "ann%40home")
            equal((answer.status, answer.json["events"]), (200, 0), "again")
            collector.restart()
            check_gone(collector, events, gone)
            check_log(collector)


def check_gone(collector, events, gone):
    kept = {e["eventId"] for e in events} - gone
    found = collector.events()
    equal({e["eventId"] for e in found}, kept, "events left")
    equal(collector.get("/api/v1/users/ann%40home").status, 404, "ann")
    equal(collector.get("/api/v1/users/old-ann").status, 404, "old-ann")
    equal(collector.get("/api/v1/anonymous/anon_a").status, 404, "her device")
    equal(collector.events(id="secret-id-060"), [], "by id")
    equal(collector.get("/api/v1/users/bob").status, 200, "bob")
    stats = collector.stats()
    equal((stats["events"], stats["users"], stats["visitors"]),
          (len(kept), 2, 1), "stats")
    disk = bytes_on_disk(collector)
    for text in (b"ann-only-text", b"ann@", b"secret.example", b"old-ann",
                 b"anon_a", b"secret-id-000", b"secret-id-060"):
        true(text not in disk, "%r is on the disk" % text)
    true(b"stays" in disk, "what was not hers is gone, too")
    duplicates = stats["duplicates"]
    answer = collector.send(*events)
    equal((answer["accepted"], answer["duplicates"]), (0, len(events)),
          "a second delivery")
    changed = [dict(e, properties={"other": 1}) for e in events
               if e["eventId"] in gone]
    equal(collector.send(*changed)["accepted"], 0, "other content, same ids")
    equal(collector.stats()["events"], len(kept), "events after it")
    equal(collector.stats()["duplicates"],
          duplicates + len(events) + len(changed), "duplicates counted")


def check_log(collector):
    lines = [json.loads(line) for line in collector.stderr().splitlines()
             if line.startswith("{")]
    told = [l for l in lines if l.get("method") == "DELETE"]
    digest = hashlib.sha256(b"ann@home").hexdigest()
    equal([(l["path"], l["status"], l["events"]) for l in told],
          [("/api/v1/users/sha256:" + digest, 200, n) for n in (24, 0)],
          "lines of the log")
    for text in ("ann@", "ann%40", "old-ann", "anon_a"):
        true(text not in collector.stderr(), "%s is in the log" % text)


def only_the_admin_key_forgets():
    with Collector(*OPTIONS) as collector:
        collector.send(event(userId="ann", eventId="1"))
        for key in (None, READ, KEY, "dk_wrong"):
            equal(forget(collector, "ann", key).status, 401, "%s" % key)
        answer = collector.request(
            "DELETE", "/api/v1/users/ann",
            headers={"Authorization": "Bearer " + ADMIN,
                     "Origin": "https://evil.example"})
        equal(answer.status, 403, "a page of another origin")
        answer = collector.request(
            "DELETE", "/api/v1/users/ann?all=1",
            headers={"Authorization": "Bearer " + ADMIN})
        equal((answer.status, answer.json["field"]), (400, "all"), "parameter")
        equal(len(collector.events(user="ann")), 1, "ann's events")


def ingest_goes_on():
    """Forgets while others send; nothing of the others is lost."""
    with Collector("--partition-rows", "50", "--rate-limit", "unlimited",
                   *OPTIONS) as collector:
        done = threading.Event()
        sent = []

        def send():
            other = Collector(folder=collector.folder)
            other.port = collector.port
            i = 0
            while not done.is_set() or i < 20:
                other.send(*[event(userId="u%d" % (n % 5),
                                   eventId="e%d-%d" % (i, n))
                             for n in range(20)])
                sent.extend("e%d-%d" % (i, n) for n in range(20)
                            if n % 5 != 1)
                i += 1
            other.close_connection()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            for _ in range(25):
                equal(forget(collector, "u1").status, 200, "forget")
                collector.get("/api/v1/users/u2/journey")
        finally:
            done.set()
            thread.join()
        equal(forget(collector, "u1").status, 200, "at the end")
        equal(sorted(e["eventId"] for e in collector.events()), sorted(sent),
              "what the others did")
        equal(collector.stats()["users"], 4, "users")
        collector.restart()
        stats = collector.stats()
        equal((stats["events"], stats["users"]), (len(sent), 4),
              "stats after a restart")


def copy_of_newest(folder):
    names = sorted(n for n in os.listdir(folder) if n.endswith(".db"))
    return os.path.join(folder, names[0])


def a_change_cut_short_is_undone():
    """A journal beside a sealed file is rolled back at the next start."""
    with Collector("--partition-rows", "5", *OPTIONS) as collector:
        collector.send(*[event(userId="u", eventId="%d" % i)
                         for i in range(5)])
        collector.stop()
        collector.start()
        collector.send(event(userId="v", eventId="5"))
        path = copy_of_newest(collector.folder + "/store.db.events")
        collector.stop()
        import sqlite3
        base = sqlite3.connect(path, isolation_level=None)
        equal(base.execute("PRAGMA journal_mode").fetchone()[0], "delete",
              "a sealed file's journal")
        # Pages reach the file before the end: the cache holds no more.
        base.execute("PRAGMA cache_size=1")
        base.execute("PRAGMA cache_spill=1")
        base.execute("BEGIN IMMEDIATE")
        base.execute("UPDATE event SET doc = hex(randomblob(200000))")
        broken = path + ".copy"
        shutil.copy(path, broken)
        shutil.copy(path + "-journal", broken + "-journal")
        base.execute("ROLLBACK")
        base.close()
        os.rename(broken, path)
        os.rename(broken + "-journal", path + "-journal")
        collector.start()
        equal(len(collector.events(user="u")), 5, "events")
        true(not os.path.exists(path + "-journal"), "the journal is still here")


tap.check("a forgotten person is gone from answers, sums, disk and log, "
          "and known when delivered again", a_person_is_gone_everywhere)
tap.check("only an admin key forgets, and no page of another origin",
          only_the_admin_key_forgets)
tap.check("forgetting among senders takes nothing of others", ingest_goes_on)
tap.check("a change of a sealed file that was cut short is undone",
          a_change_cut_short_is_undone)
tap.finish()
