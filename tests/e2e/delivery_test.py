# SPDX-License-Identifier: MIT
"""Delivery when nothing is wrong: how much, in which form, in which order."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import at_least, at_most, drive, equal, is_true, test  # noqa: E402

FAST = {"max_requests_per_second": "unlimited"}
# A queue that takes everything, for tests that are not about overflow.
ROOMY = {"max_queue_size": 500000, "max_queue_bytes": "1GiB",
         "overflow": "block", **FAST}


@test("four threads of 100,000 events in batches arrive whole, each once")
def four_threads():
    count = 400000 if not harness.SANITIZED else 100000
    with harness.Faultd("--batch", "10000") as server:
        end = drive(server, f"track:{count}x4", "close:60000",
                    batch="always", flush_at=1000, **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, count)
        equal(ledger["duplicates"], 0, "duplicates")
        at_most(ledger["requests"], count // 100, "requests")
        equal(end["settled_once"], count, "settled once")


@test("the usual queue blocks four threads instead of losing anything")
def blocks():
    with harness.Faultd("--batch", "10000") as server:
        end = drive(server, "track:40000x4", "close:60000", batch="always",
                    overflow="block", **FAST)
        harness.check_all_delivered(end, server.ledger(), 40000)


@test("single events go over at most ten kept-alive connections")
def single_events():
    with harness.Faultd() as server:
        end = drive(server, "track:5000x2", "close:60000", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 5000)
        equal((ledger["requests"], ledger["batches"]), (5000, 0),
              "requests and batches")
        at_most(ledger["max_concurrent"], 10, "requests at once")
        # One of the harness's own connections is the one that asks.
        at_most(ledger["connections"], 12, "connections")


@test("max_in_flight bounds the requests at once")
def in_flight():
    with harness.Faultd("--rule", "delay 20ms") as server:
        end = drive(server, "track:60", "close:60000", max_in_flight=3, **FAST)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 60)
        equal(ledger["max_concurrent"], 3, "requests at once")


@test("batches begin when the server announces them, and not before")
def negotiation():
    with harness.Faultd("--batch", "7", log=True) as server:
        end = drive(server, "track:500", "close:60000", **ROOMY)
        harness.check_all_delivered(end, server.ledger(), 500)
        requests = server.requests()
        is_true(not requests[0]["batch"], "the first request is a single event")
        equal(requests[-1]["batch"], True, "the last request is a batch")
        equal(max(request["events"] for request in requests), 7,
              "events of the largest batch")
        for request in server.logged():
            size = request["headers"].get("X-Batch-Size")
            events = request["body"].count('"eventId"')
            equal(size, str(events) if '"batchId"' in request["body"] else None,
                  "X-Batch-Size")


@test("batch = never stays with single events whatever is announced")
def never_batches():
    with harness.Faultd("--batch", "100") as server:
        end = drive(server, "track:200", "close:60000", batch="never", **ROOMY)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 200)
        equal((ledger["requests"], ledger["batches"]), (200, 0), "requests")


@test("bodies are packed when the server takes gzip and they are large")
def gzip():
    one = {"batch": "always", "flush_at": 500, "max_in_flight": 1, **ROOMY}
    with harness.Faultd("--batch", "1000", "--gzip", "on") as server:
        end = drive(server, "track:20", "flush:60000", "track:5000", "flush",
                    "track:1", "close:60000", **one)
        ledger = server.ledger()
        harness.check_all_delivered(end, ledger, 5021)
        requests = server.requests()
        is_true(not requests[0]["gzip"], "nothing is packed before the server "
                "has said that it takes it")
        is_true(not requests[-1]["gzip"], "a small body is not packed")
        for request in requests[1:-1]:
            is_true(request["gzip"] or request["events"] < 10,
                    f"a large body was not packed: {request}")
        at_most(end["sent_bytes"], end["body_bytes"] // 3, "bytes sent")
    with harness.Faultd("--batch", "1000") as server:
        end = drive(server, "track:2000", "close:60000", **one)
        harness.check_all_delivered(end, server.ledger(), 2000)
        equal(server.ledger()["gzipped"], 0, "packed where nobody takes it")


@test("one request at a time keeps the order, faults or not")
def order():
    for rule in ("delay 0ms", "20%: 503", "20%: reset"):
        with harness.Faultd("--batch", "50", "--rule", rule) as server:
            end = drive(server, "track:400", "close:60000", max_in_flight=1,
                        batch="always", flush_at=20, max_batch_events=50,
                        **ROOMY)
            ledger = server.ledger()
            harness.check_all_delivered(end, ledger, 400)
            equal(ledger["order"], "ascending", f"order under '{rule}'")


@test("the rate limit holds back requests, not events")
def rate_limit():
    with harness.Faultd() as server:
        end = drive(server, "track:300", "close:60000",
                    max_requests_per_second=100)
        harness.check_all_delivered(end, server.ledger(), 300)
        times = [request["at_ms"] for request in server.requests()]
        # A burst of at most 100, then 100 a second.
        at_least(times[-1] - times[0], 1900, "ms for 300 requests")


@test("events of every size up to the limit arrive whole")
def sizes():
    with harness.Faultd("--batch", "1000", "--gzip", "on", log=True) as server:
        end = drive(server, "id:a", "size:0", "track:1", "size:1", "track:1",
                    "size:4095", "track:1", "size:100000", "track:1",
                    "size:1000000", "track:1", "close:60000")
        harness.check_all_delivered(end, server.ledger(), 5)
        found = {event["eventId"]: len(event["properties"]["padding"])
                 for event in server.logged_events()}
        equal(found, {"a-00000000": 0, "a-00000001": 1, "a-00000002": 4095,
                      "a-00000003": 100000, "a-00000004": 1000000}, "sizes")


@test("a disabled client counts what it forgets and opens no connection")
def disabled():
    with harness.Faultd() as server:
        end = drive(server, "track:50", "close:5000", enabled="false")
        equal((end["accepted"], end["refused"]["disabled"]), (0, 50), "ledger")
        equal(server.ledger()["requests"], 0, "requests")


if __name__ == "__main__":
    harness.main()
