# SPDX-License-Identifier: MIT
"""--keep: old events go, their ids are remembered."""
import datetime
import itertools
import os

from collector import Collector, equal, event, true
from tap import Tap

tap = Tap()


def recent(name, minutes, **fields):
    moment = (datetime.datetime.now(datetime.timezone.utc) -
              datetime.timedelta(minutes=minutes))
    return event(name, timestamp=moment.isoformat(), **fields)


def size_of(folder):
    return sum(os.path.getsize(os.path.join(folder, name))
               for name in os.listdir(folder))


def cursors_outlive_what_they_passed():
    with Collector("--partition-rows", "5", "--keep", "1d") as collector:
        collector.send(*[event("view", i, userId="u", eventId="%d" % i)
                         for i in range(5)])
        cursor = collector.stats()["cursor"]
        while collector.stats()["events"] != 0:
            pass
        collector.restart()
        collector.send(recent("view", 0, userId="u", eventId="new"))
        equal([e["eventId"] for e in collector.events(cursor=cursor)],
              ["new"], "events behind the cursor")


def old_events_go_and_stay_known():
    old = [event("view", i, userId="ann", eventId="old-%d" % i,
                 properties={"text": "x" * 1000}) for i in range(40)]
    new = [recent("view", i, userId="bob", eventId="new-%d" % i)
           for i in range(15)]
    with Collector("--partition-rows", "20") as collector:
        collector.send(*old[:20])
        collector.send(*old[20:])
        collector.send(*new)
        folder = collector.folder + "/store.db.events"
        equal(len(collector.events()), 55, "events before")
        collector.arguments += ["--keep", "1d"]
        collector.restart()
        # It looks for old events within a second of its start.
        while collector.stats()["events"] != 15:
            true(collector.stats()["events"] in (15, 35, 55), "events")
        equal({e["eventId"] for e in collector.events()},
              {e["eventId"] for e in new}, "what is left")
        equal(collector.get("/api/v1/users/ann").status, 404, "ann")
        for _ in range(2):
            answer = collector.send(*old, *new)
            equal((answer["accepted"], answer["duplicates"]), (0, 55),
                  "redelivery")
            equal(len(collector.events()), 15, "events after it")
            collector.restart()
        equal(collector.stats()["events"], 15, "events after a restart")
        text = b"".join(open(os.path.join(folder, name), "rb").read()
                        for name in os.listdir(folder))
        true(b"xxxxxxxx" not in text, "the text of old events is on disk")
        collector.send(event("late", 5, userId="kim", eventId="late"))
        equal(len(collector.events(user="kim")), 1, "an old event that is new")


def people_leave_with_their_last_event():
    """At once; a restart would count anew."""
    def numbers():
        stats = collector.stats()
        return stats["events"], stats["visitors"], stats["users"]

    numbered = itertools.count()

    def person(kind, n):
        return {"userId": "%s-%d" % (kind, n),
                "anonymousId": "anon-%s-%d" % (kind, n),
                "eventId": "person-%d" % next(numbered)}

    with Collector("--partition-rows", "20") as collector:
        # Each batch fills a file, but for the last.
        collector.send(*[recent("view", i, **person("stays", i % 4))
                         for i in range(20)])
        for first in (0, 2):
            collector.send(*[
                event("view", i, **person(("gone", "stays", "open")[i % 3],
                                          i % 9 // 3 + first * (i % 3 == 0)))
                for i in range(20)])
        collector.send(*[recent("view", i, **person("open", i % 3))
                         for i in range(9)])
        equal(numbers(), (69, 12, 12), "before")
        collector.arguments += ["--keep", "1d"]
        collector.restart()
        # It looks for old events within a second of its start.
        for _ in range(50000):
            if numbers() == (29, 7, 7):
                break
        equal(numbers(), (29, 7, 7), "after")
        equal(collector.get("/api/v1/users/gone-2").status, 404, "gone-2")
        collector.send(event("view", 1, **person("gone", 2)))
        equal(numbers(), (30, 8, 8), "when one comes back")
        collector.restart()
        equal(numbers(), (30, 8, 8), "after a restart")


tap.check("who has no event left is counted no more, without a restart",
          people_leave_with_their_last_event)
tap.check("events older than --keep go, and redeliveries of them are known",
          old_events_go_and_stay_known)
tap.check("a cursor stays good when all before it is gone",
          cursors_outlive_what_they_passed)
tap.finish()
