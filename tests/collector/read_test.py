# SPDX-License-Identifier: MIT
"""The read API: lists, cursors, waiting, live streams, and who may read."""
import http.client
import json
import threading

from collector import (KEY, PATIENCE_S, Answer, Collector, check_described,
                       equal, event, true)
from tap import Tap

tap = Tap()


def ids(events):
    return [e["eventId"] for e in events]


def filters_choose():
    with Collector("--partition-rows", "5") as collector:
        for i in range(24):
            collector.send(event(
                ("view", "order")[i % 2], 60 * i, eventId="e%02d" % i,
                userId=("ann", "bob", "")[i % 3], anonymousId="v%d" % (i % 4),
                properties={"n": i, "big": 9007199254740993 + i,
                            "deep": {"er": "x%d" % (i % 5)}, "a.b": i % 2 == 0,
                            "none": None}))

        def chosen(**params):
            return [int(e["eventId"][1:]) for e in collector.events(**params)]

        everything = list(range(24))
        equal(chosen(), everything, "all")
        equal(chosen(event="order"), everything[1::2], "by event")
        equal(chosen(user="bob"), everything[1::3], "by user")
        equal(chosen(anonymous="v3"), everything[3::4], "by anonymous id")
        equal(chosen(id="e07"), [7], "by id")
        equal(chosen(user="ann", event="order"), [3, 9, 15, 21], "by both")
        equal(chosen(since="2026-03-04T00:05:00Z",
                     until="2026-03-04T00:08:00.000Z"), [5, 6, 7], "by time")
        equal(chosen(since="2026-03-04T00:22:00Z", event="order"), [23],
              "by time and event")
        equal(chosen(prop__n="7"), [7], "by number")
        equal(chosen(prop__n="7.0"), [7], "by the same number")
        equal(chosen(prop__big="9007199254740993"), [0],
              "by a number beyond 2^53")
        equal(chosen(event="view", **{"prop.deep.er": "x4"}), [4, 14],
              "by path")
        equal(chosen(**{"prop.a.b": "true", "user": "ann"}), everything[::6],
              "by a name with a dot")
        equal(chosen(prop__none="null", id="e03"), [3], "by null")
        equal(chosen(q="X3", user="bob"), [13], "by text, in any case")
        equal(chosen(order="desc"), everything[::-1], "downwards")
        equal(chosen(user="bob", order="desc", limit=3), everything[1::3][::-1],
              "downwards in pages")
        equal(chosen(event="nothing"), [], "by nothing there")


def cursors_show_each_event_once():
    with Collector("--partition-rows", "7") as collector:
        sent, seen, cursor = [], [], None
        for i in range(30):
            sent.append("e%d" % i)
            collector.send(event(userId="u", eventId="e%d" % i))
            page = collector.get("/api/v1/events", limit=2, **(
                {"cursor": cursor} if cursor else {})).json
            seen += ids(page["events"])
            cursor = page["cursor"]
        seen += ids(collector.events(cursor=cursor))
        equal(seen, sent, "events over all pages")
        empty = collector.get("/api/v1/events", cursor=cursor, user="nobody")
        true(empty.json["cursor"].startswith("c"), "an empty page's cursor")
        collector.restart()
        collector.send(event(userId="u", eventId="last"))
        equal(ids(collector.events(since=cursor)), ["last"],
              "what came behind a cursor over a restart")


def the_last_number_is_no_cursor():
    """Nothing could be behind it."""
    with Collector("--partition-rows", "1") as collector:
        collector.send(event(userId="u"))
        for path in ("/api/v1/events", "/api/v1/events/stream"):
            for name in ("cursor", "since"):
                answer = collector.get(path, user="u",
                                       **{name: "c%d" % (2**63 - 1)})
                equal(answer.status, 400, "%s of %r" % (name, answer))
        equal(ids(collector.events(user="u", cursor="c%d" % (2**63 - 2))), [],
              "events behind the last cursor")


def wrong_parameters_are_400():
    with Collector() as collector:
        collector.send(event(userId="u"))
        for path in ("/api/v1/events?evnet=x", "/api/v1/events?limit=0",
                     "/api/v1/events?limit=x", "/api/v1/events?cursor=12",
                     "/api/v1/events?since=yesterday", "/api/v1/events?event=",
                     "/api/v1/events?order=up", "/api/v1/stats?x=1",
                     "/api/v1/wait?count=0", "/api/v1/wait?timeout=5h",
                     "/api/v1/users/u/journey?x=1",
                     "/api/v1/events/stream?x=1"):
            answer = collector.get(path)
            equal(answer.status, 400, path)
            true(answer.json["error"] and answer.json["field"], path)
        equal(collector.get("/api/v1/nothing").status, 404, "unknown path")
        equal(collector.request("DELETE", "/api/v1/events").status, 405,
              "unknown method")


def wait_answers_when_events_come():
    with Collector() as collector:
        collector.send(event("order", userId="u", eventId="1"))
        answer = collector.get("/api/v1/wait", event="order", timeout="0s")
        equal((answer.status, ids(answer.json["events"])), (200, ["1"]),
              "what was there")
        found = []

        def wait():
            connection = http.client.HTTPConnection("127.0.0.1",
                                                    collector.port,
                                                    timeout=PATIENCE_S)
            connection.request("GET", "/api/v1/wait?event=order&count=3"
                                      "&timeout=50s")
            answer = Answer(connection.getresponse())
            check_described("GET", "/api/v1/wait", answer)
            found.append(answer)

        waiters = [threading.Thread(target=wait) for _ in range(20)]
        for waiter in waiters:
            waiter.start()
        for i in range(2, 5):
            collector.send(event("order", userId="u", eventId="%d" % i),
                           event("view", userId="u"))
        for waiter in waiters:
            waiter.join(PATIENCE_S)
        equal(len(found), 20, "answers")
        for answer in found:
            equal(ids(answer.json["events"]), ["1", "2", "3"], "events")


def wait_says_what_came_closest():
    with Collector() as collector:
        collector.send(event("order", userId="ann", properties={"n": 1}),
                       event("view", userId="bob"),
                       event("order", userId="bob", properties={"n": 2}))
        answer = collector.get("/api/v1/wait", event="order", user="ann",
                               timeout="10ms", **{"prop.n": "2"})
        equal(answer.status, 408, "status")
        body = answer.json
        equal((body["count"], body["expected"]), (0, 1), "count")
        equal([m["differs"] for m in body["nearMisses"]][:2],
              ["user", "prop"], "what differs")


def reset_is_for_tests_only():
    with Collector() as collector:
        collector.send(event(userId="u"))
        true(collector.post("/api/v1/reset", b"", key=None).status in
             (401, 403), "reset without --test")
        equal(collector.stats()["events"], 1, "events")
    with Collector("--test", "--partition-rows", "3") as collector:
        for i in range(10):
            collector.send(event(userId="u%d" % i, eventId="%d" % i))
        cursor = collector.stats()["cursor"]
        equal(collector.post("/api/v1/reset", b"", key=None).status, 200,
              "reset")
        stats = collector.stats()
        equal((stats["events"], stats["users"]), (0, 0), "stats")
        collector.send(event(userId="u", eventId="1"))
        equal(ids(collector.events(cursor=cursor)), ["1"], "after the cursor")
        collector.restart()
        equal(ids(collector.events()), ["1"], "after a restart")
        for headers in ({"Origin": "http://evil.example"},
                        {"Sec-Fetch-Site": "cross-site"},
                        {"X-Forwarded-For": "10.0.0.1"}):
            answer = collector.post("/api/v1/reset", b"", headers, key=None)
            true(answer.status in (401, 403), "%s: %r" % (headers, answer))
        equal(len(collector.events()), 1, "events")


def only_this_machine_reads_without_a_key():
    read, admin = "dk_read_0123456789", "dk_admin_0123456789"
    with Collector("--read-key", read, "--admin-key", admin,
                   "--test") as collector:
        collector.send(event(userId="u"))
        port = collector.port
        for host in ("localhost:%d" % port, "127.0.0.1", "[::1]:%d" % port,
                     "LOCALHOST", "127.1.2.3:1"):
            equal(collector.get("/api/v1/events",
                                headers={"Host": host}).status, 200, host)
        for headers in ({"Host": "rebound.example"},
                        {"Host": "127.0.0.1.evil.example"},
                        {"Host": "localhost.evil.example:80"},
                        {"Host": "127.0.0.1@evil.example"},
                        {"Host": ""},
                        {"X-Forwarded-For": "1.2.3.4"},
                        {"Forwarded": "for=1.2.3.4"}, {"Via": "1.1 x"},
                        {"X-Real-IP": "1.2.3.4"}):
            for path in ("/api/v1/events", "/api/v1/stats", "/metrics",
                         "/api/v1/users/u", "/api/v1/wait?event=x",
                         "/api/v1/events/stream"):
                answer = collector.get(path, headers=headers)
                equal(answer.status, 401, "%s with %s" % (path, headers))
            answer = collector.get("/api/v1/events", headers=dict(
                headers, Authorization="Bearer " + read))
            equal(answer.status, 200, "with the read key, %s" % headers)
        remote = {"Host": "stats.example"}
        for key, status in ((KEY, 401), (read, 200), (admin, 200)):
            equal(collector.get("/api/v1/events", headers=dict(
                remote, **{"X-API-Key": key})).status, status, key)
        equal(collector.get("/api/v1/events", headers=dict(
            remote, Cookie="datalyr_key=" + read)).status, 200, "cookie")
        equal(collector.post("/api/v1/reset", b"", remote, key=read).status,
              401, "reset with a read key")
        equal(collector.post("/track", event(userId="x"), key=read).status,
              401, "sending with a read key")
        equal(collector.stats()["events"], 1, "events")
        equal(collector.post("/api/v1/reset", b"", remote, key=admin).status,
              200, "reset with the admin key")


class Stream:
    """A reader of server-sent events."""

    def __init__(self, collector, query="", last=None):
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", collector.port, timeout=PATIENCE_S)
        self.connection.request("GET", "/api/v1/events/stream" + query,
                                headers={"Last-Event-ID": last} if last
                                else {})
        self.response = self.connection.getresponse()
        equal(self.response.status, 200, "status of the stream")
        equal(self.response.getheader("content-type"), "text/event-stream",
              "type of the stream")
        self.last = None
        self.missed = 0

    def next(self):
        """The next event; None at the end. Gaps are counted."""
        fields = {}
        while True:
            line = self.response.readline().decode()
            if not line:
                return None
            line = line.rstrip("\n")
            if line.startswith(":"):
                continue
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            self.last = fields.get("id", self.last)
            if fields.get("event") == "gap":
                self.missed += json.loads(fields["data"])["missed"]
                return "gap"
            if "data" in fields:
                return json.loads(fields["data"])
            if "retry" in fields:
                return "begin"
            fields = {}

    def close(self):
        self.connection.close()


def streams_show_what_comes_in():
    with Collector() as collector:
        collector.send(event(userId="early", eventId="0"))
        everything = Stream(collector)
        orders = Stream(collector, "?event=order")
        equal((everything.next(), orders.next()), ("begin", "begin"), "begin")
        for i in range(1, 9):
            collector.send(event(("view", "order")[i % 2], userId="u",
                                 eventId="%d" % i))
        equal([everything.next()["eventId"] for _ in range(8)],
              ["%d" % i for i in range(1, 9)], "all")
        equal([orders.next()["eventId"] for _ in range(4)],
              ["1", "3", "5", "7"], "orders")
        orders.close()
        collector.send(event("order", userId="u", eventId="9"))
        again = Stream(collector, "?event=order", last=orders.last)
        again.next()
        equal(again.next()["eventId"], "9", "after Last-Event-ID")
        everything.next()
        collector.stop()
        equal((everything.next(), again.next()), (None, None),
              "end of the streams")


def streams_account_for_every_event():
    total = 6000
    with Collector("--rate-limit", "unlimited") as collector:
        stream = Stream(collector)
        equal(stream.next(), "begin", "begin")
        for at in range(0, total, 500):
            collector.send(*[event(userId="u", eventId="%d" % i)
                             for i in range(at, at + 500)])
        shown = 0
        while shown + stream.missed < total:
            got = stream.next()
            true(got is not None, "the stream ended")
            shown += got != "gap"
        equal(shown + stream.missed, total, "shown and announced as missed")
        true(stream.missed > 0 and shown >= 500,
             "shown %d, missed %d" % (shown, stream.missed))


def page_lists_commands_that_work():
    with Collector() as collector:
        collector.send(event(userId="u"))
        answer = collector.get("/")
        equal(answer.status, 200, "status")
        true(collector.address.encode() in answer.body, "no address")
        true("default-src 'none'" in
             answer.headers["content-security-policy"], "no policy")
        for path in ("/healthz", "/readyz", "/metrics"):
            equal(collector.get(path).status, 200, path)


tap.check("each filter chooses, alone and with others", filters_choose)
tap.check("cursors show each event exactly once", cursors_show_each_event_once)
tap.check("the last number of all is refused as a cursor",
          the_last_number_is_no_cursor)
tap.check("unknown and malformed parameters are named",
          wrong_parameters_are_400)
tap.check("wait answers as soon as the events are there",
          wait_answers_when_events_come)
tap.check("a wait in vain says what came closest", wait_says_what_came_closest)
tap.check("reset empties the store, in test mode and from this machine only",
          reset_is_for_tests_only)
tap.check("without a key only programs on this machine read",
          only_this_machine_reads_without_a_key)
tap.check("streams show what comes in and go on where they were",
          streams_show_what_comes_in)
tap.check("streams show or announce every single event",
          streams_account_for_every_event)
tap.check("the page and the probes answer", page_lists_commands_that_work)
tap.finish()
