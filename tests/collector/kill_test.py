# SPDX-License-Identifier: MIT
"""What was answered with 200 is there after kill -9, and there once."""
import http.client
import json
import random
import sys
import threading

from collector import KEY, PATIENCE_S, Collector, equal, event, true
from tap import Tap

tap = Tap()
IS_LONG = "--slow" in sys.argv


class Sender(threading.Thread):
    """Sends batches until the collector dies; repeats what was not answered."""

    def __init__(self, name):
        super().__init__()
        self.label = name
        self.port = 0
        self.confirmed = []
        self.unsure = None
        self.count = 0

    def batch(self):
        made = [event(userId="%s-%d" % (self.label, (self.count + i) % 9),
                      eventId="%s-%d" % (self.label, self.count + i),
                      properties={"n": self.count + i})
                for i in range(23)]
        self.count += 23
        return made

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                    timeout=PATIENCE_S)
            while True:
                if self.unsure is None:
                    self.unsure = self.batch()
                connection.request("POST", "/batch",
                                   json.dumps({"events": self.unsure}),
                                   {"X-API-Key": KEY})
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status == 200:
                    equal(body["accepted"] + body["duplicates"], 23, "events")
                    self.confirmed += [e["eventId"] for e in self.unsure]
                    self.unsure = None
        except (OSError, http.client.HTTPException, ValueError):
            pass


def survives(rounds, rows):
    rng = random.Random(99)
    with Collector("--rate-limit", "unlimited", "--partition-rows",
                   str(rows)) as collector:
        senders = [Sender("s%d" % i) for i in range(3)]
        for done in range(rounds):
            started = []
            for old in senders:
                sender = Sender(old.label)
                sender.port = collector.port
                sender.confirmed, sender.unsure = old.confirmed, old.unsure
                sender.count = old.count
                started.append(sender)
            senders = started
            wanted = collector.stats()["events"] + rng.randrange(20, 400)
            for sender in senders:
                sender.start()
            while collector.stats()["events"] < wanted:
                pass
            collector.kill()
            for sender in senders:
                sender.join()
            collector.start()
        confirmed = [i for sender in senders for i in sender.confirmed]
        stored = [e["eventId"] for e in collector.events(limit=10000)]
        equal(len(stored), len(set(stored)), "distinct ids of stored events")
        missing = set(confirmed) - set(stored)
        equal(missing, set(), "confirmed events that are not there")
        true(len(confirmed) >= rounds * 20, "only %d confirmed"
             % len(confirmed))
        equal(collector.stats()["events"], len(stored), "count of events")
        for sender in senders:
            for i in range(9):
                user = "%s-%d" % (sender.label, i)
                mine = {e["eventId"] for e in
                        collector.events(user=user, limit=10000)}
                true(mine == {e for e in stored
                              if e.startswith(sender.label + "-") and
                              int(e.split("-")[1]) % 9 == i},
                     "the index of " + user)


def redeliveries_are_stored_once():
    rng = random.Random(3)
    count = 100000 if IS_LONG else 8000
    kinds = [event(userId="u%d" % (i % 50), eventId="id-%d" % i,
                   properties={"n": i}) for i in range(count // 4)]
    deliveries = kinds * 4
    rng.shuffle(deliveries)
    with Collector("--rate-limit", "unlimited", "--partition-rows",
                   str(count // 20)) as collector:
        accepted = duplicates = 0
        for at in range(0, count, 500):
            answer = collector.send(*deliveries[at:at + 500])
            accepted += answer["accepted"]
            duplicates += answer["duplicates"]
            if at in (count // 1500 * 500, count // 1000 * 500):
                collector.restart()
        equal((accepted, duplicates), (count // 4, count - count // 4),
              "verdicts")
        stats = collector.stats()
        equal((stats["events"], stats["duplicates"], stats["idConflicts"],
               stats["users"]), (count // 4, count - count // 4, 0, 50),
              "stats")


tap.check("kill -9 at random moments loses nothing that was confirmed",
          survives, 200 if IS_LONG else 6, 700)
tap.check("redeliveries in random order over two restarts are stored once",
          redeliveries_are_stored_once)
tap.finish()
