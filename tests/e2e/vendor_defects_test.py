# SPDX-License-Identifier: MIT
"""What the vendor's SDK (1.3.1) was measured to do wrong, one test each. The
numbers are those of the list of observations these tests were made from."""
import json
import os
import select
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402
from harness import at_least, at_most, drive, equal, is_true, test  # noqa: E402


def call_in_flight(call):
    with harness.Faultd("--rule", "hold") as server:
        with harness.Driver(server, "track:1", "pause", call, "close",
                            flush_at=1) as driver:
            server.wait_for(held=1)
            driver.step("pause")
            driver.go_on()
            ready, _, _ = select.select([driver.process.stdout], [], [], 0.3)
            is_true(not ready, "it returned while the request was in flight")
            server.release()
            equal(driver.step(call.split(":", maxsplit=1)[0])["result"], 0,
                  "left")
            harness.check_all_delivered(driver.end(), server.ledger(), 1)


@test("O1: flush waits for a request in flight")
def o1():
    call_in_flight("flush:60000")


@test("O2: close waits for a request in flight")
def o2():
    call_in_flight("close:60000")


@test("O3: close against a hung server hands back what was in flight")
def o3():
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "track:5", "pause", "close:1000",
                            flush_at=5, timeout_ms=60000) as driver:
            server.wait_for(in_progress=5)
            driver.go_on()
            end = driver.end()
        equal(end["hooks"]["dropped"]["close_timeout"], 5, "told to on_drop")
        equal(end["settled_once"], 5, "events told of once, with their body")


@test("O4: events in flight count in the queue's bound")
def o4():
    with harness.Faultd("--rule", "hang") as server:
        with harness.Driver(server, "track:350", "pause", "stats", "close:100",
                            flush_at=1, max_queue_size=100) as driver:
            server.wait_for(in_progress=10)
            driver.go_on()
            stats = driver.step("stats")
            equal(stats["pending"], 100, "held, in flight included")
            driver.end()


@test("O5: a failed pass does not reverse the order")
def o5():
    with harness.Faultd("--rule", "next 3: 503", log=True) as server:
        end = drive(server, "track:3", "close:60000", max_in_flight=1,
                    retry_limit=1, flush_interval_ms=1000)
        harness.check_all_delivered(end, server.ledger(), 3)
        stored = [json.loads(line["body"])["eventId"]
                  for line in server.logged() if line["status"] == 200]
        equal(stored, ["e-00000000", "e-00000001", "e-00000002"], "order")


@test("O6: traits and properties cannot overwrite the ids of a call")
def o6():
    with harness.Faultd(log=True) as server:
        with harness.Driver(
                server,
                'json:{"type":"group","userId":"u","groupId":"g1",'
                '"traits":{"groupId":"x","plan":"pro"}}',
                'json:{"type":"page","userId":"u","name":"Landing",'
                '"properties":{"path":"/a"}}',
                "close:60000", max_in_flight=1) as driver:
            driver.step("end")
        group, page = server.logged_events()
        equal(group["properties"]["groupId"], "g1", "groupId")
        equal(group["properties"]["plan"], "pro", "trait")
        equal(page["properties"]["path"], "/a", "property")


@test("O7: what JSON cannot say is refused; large integers keep their digits")
def o7():
    number = "123456789012345678901234567890"
    with harness.Faultd(log=True) as server:
        with harness.Driver(server, "nan",
                            'json:{"userId":"u","event":"n","properties":'
                            f'{{"n":{number}}}}}', "close:60000") as driver:
            refused = driver.step("nan")
            equal((refused["status"], refused["is_named"]), ("INVALID", True),
                  "a property that is not a number")
            equal(driver.step("json")["status"], "OK", "a large integer")
            driver.step("end")
        is_true(f'"n":{number}' in server.logged()[0]["body"],
                "the digits on the wire")
        equal(server.ledger()["requests"], 1, "requests")


@test("O8: ten thousand events a batch are reached")
def o8():
    with harness.Faultd("--batch", "10000") as server:
        end = drive(server, "track:30000x2", "close:60000", flush_at=10000,
                    max_queue_size=40000, flush_interval_ms=60000,
                    overflow="block")
        harness.check_all_delivered(end, server.ledger(), 30000)
        equal(max(request["events"] for request in server.requests()), 10000,
              "events of the largest batch")


@test("O9: every call takes an event id and a time")
def o9():
    calls = {
        "identify": '"userId":"u","traits":{"plan":"pro"}',
        "group": '"userId":"u","groupId":"g"',
        "page": '"userId":"u","name":"Landing"',
        "alias": '"userId":"u","previousId":"v"',
        "track": '"userId":"u","event":"bought"',
    }
    with harness.Faultd(log=True) as server:
        steps = [f'json:{{"type":"{kind}",{fields},"eventId":"id_{kind}",'
                 '"timestamp":"2024-02-29T01:02:03.004Z"}'
                 for kind, fields in calls.items()]
        with harness.Driver(server, *steps, "close:60000") as driver:
            for _ in calls:
                equal(driver.step("json")["status"], "OK", "status")
            driver.step("end")
        found = {event["eventId"]: event["timestamp"]
                 for event in server.logged_events()}
        equal(found, {f"id_{kind}": "2024-02-29T01:02:03.004Z"
                      for kind in calls}, "ids and times on the wire")


@test("O10: Retry-After is read, bodies are packed, successes are counted")
def o10():
    with harness.Faultd("--batch", "1000", "--gzip", "on", "--rule",
                        "next 1: 429 retry-after 1") as server:
        end = drive(server, "track:1000", "close:60000", batch="always",
                    max_in_flight=1, flush_at=200)
        harness.check_all_delivered(end, server.ledger(), 1000)
        first, second = server.requests()[:2]
        at_least(second["at_ms"] - first["at_ms"], 1000, "ms of pause")
        at_least(server.ledger()["gzipped"], 1, "packed requests")
        equal(end["hooks"]["delivered"], 1000, "told to on_delivered")
        at_most(end["sent_bytes"], end["body_bytes"] // 2, "bytes sent")


if __name__ == "__main__":
    harness.main()
