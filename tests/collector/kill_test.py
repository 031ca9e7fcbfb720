# SPDX-License-Identifier: MIT
"""What was answered with 200 is there after kill -9, and there once."""
import collections
import http.client
import json
import random
import socket
import sys
import threading
import time

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


class Deliverer(threading.Thread):
    """Sends its batches until all are answered or the collector is gone."""

    def __init__(self, port, todo):
        super().__init__()
        self.port = port
        self.todo = todo
        self.told = collections.Counter()

    def run(self):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port,
                                                    timeout=PATIENCE_S)
            while self.todo:
                connection.request("POST", "/batch",
                                   json.dumps({"events": self.todo[-1]}),
                                   {"X-API-Key": KEY})
                answer = connection.getresponse()
                body = json.loads(answer.read())
                if answer.status == 200:
                    self.told["accepted"] += body["accepted"]
                    self.told["duplicates"] += body["duplicates"]
                    self.told["sent"] += len(self.todo.pop())
        except (OSError, http.client.HTTPException, ValueError):
            pass


def deliver(collector, lists, end, left, told):
    """Sends from all lists at once; `end` ends the collector under load as
    soon as so few batches are left."""
    senders = [Deliverer(collector.port, todo) for todo in lists]
    for sender in senders:
        sender.start()
    while end is not None and sum(map(len, lists)) > left:
        time.sleep(0.001)
    if end is not None:
        end()
    for sender in senders:
        sender.join()
        told.update(sender.told)


def redeliveries_are_stored_once():
    rng = random.Random(3)
    events = 25000 if IS_LONG else 2000
    kinds = [event(userId="u%d" % (i % 50), eventId="id-%d" % i,
                   properties={"n": i}) for i in range(events)]
    deliveries = kinds * 5  # four duplicates of each
    rng.shuffle(deliveries)
    batches = [deliveries[at:at + 50] for at in range(0, len(deliveries), 50)]
    lists = [batches[i::4] for i in range(4)]
    told = collections.Counter()
    with Collector("--rate-limit", "unlimited", "--partition-rows",
                   str(events // 7)) as collector:
        deliver(collector, lists, collector.stop, len(batches) * 2 // 3, told)
        equal(told["accepted"] + told["duplicates"], told["sent"],
              "verdicts before the first end")
        collector.start()
        equal(collector.stats()["events"], told["accepted"],
              "events after an end in order")
        deliver(collector, lists, collector.kill, len(batches) // 3, told)
        collector.start()
        deliver(collector, lists, None, 0, told)
        equal([len(todo) for todo in lists], [0] * 4, "batches that are left")
        equal((told["sent"], told["accepted"] + told["duplicates"]),
              (events * 5, events * 5), "verdicts")
        # What was stored when the answer did not leave is told as known.
        true(events - 4 * 50 <= told["accepted"] <= events,
             "%d told as new" % told["accepted"])
        stats = collector.stats()
        equal((stats["events"], stats["idConflicts"], stats["users"]),
              (events, 0, 50), "stats")
        found = {e["eventId"]: e["properties"]["n"]
                 for e in collector.events(limit=10000)}
        equal(found, {"id-%d" % i: i for i in range(events)}, "events")
        equal(len(collector.events(user="u7", limit=10000)), events // 50,
              "events of a user")


def ask(collector, text, body=b""):
    connection = socket.create_connection(("127.0.0.1", collector.port),
                                          timeout=PATIENCE_S)
    connection.sendall(("%s HTTP/1.1\r\nHost: 127.0.0.1\r\nX-API-Key: %s\r\n"
                        "Content-Length: %d\r\n\r\n"
                        % (text, KEY, 9999 if body else 0)).encode() + body)
    return connection


def ends_in_order_under_load(rounds):
    """With senders, live streams, waiting questions and a half body: it ends
    with 0, and what it said is true after the next start."""
    batches = [[event(userId="u", eventId="%d-%d" % (i, j))
                for j in range(5)] for i in range(rounds * 2000)]
    lists = [batches[i::6] for i in range(6)]
    told = collections.Counter()
    with Collector("--rate-limit", "unlimited") as collector:
        for _ in range(rounds):
            held = [ask(collector, "GET /api/v1/events/stream")
                    for _ in range(5)]
            held += [ask(collector, "GET /api/v1/wait?event=none&timeout=60s")
                     for _ in range(5)]
            held += [ask(collector, "POST /track", b'{"event":'),
                     ask(collector, "GET /healthz"),
                     ask(collector, "GET /api/v1/events?limit=10000")]
            left = sum(map(len, lists))
            deliver(collector, lists, collector.stop, left - 150, told)
            for connection in held:
                connection.close()
            collector.start()
            equal(collector.stats()["events"], told["accepted"], "events")
        equal(told["duplicates"], 0, "events stored, and not said to be")


tap.check("SIGTERM under load ends in order: all that was stored was answered",
          ends_in_order_under_load, 40 if IS_LONG else 4)
tap.check("kill -9 at random moments loses nothing that was confirmed",
          survives, 200 if IS_LONG else 6, 700)
tap.check("%d duplicates in random order, over an end in order and a kill -9 "
          "under load, are stored once" % (100000 if IS_LONG else 8000),
          redeliveries_are_stored_once)
tap.finish()
