# SPDX-License-Identifier: MIT
"""Runs contract/identity: one line a case, each in three orders of arrival."""
import glob
import json
import os
import random
import urllib.parse

from collector import SOURCE, Collector, equal
from tap import Tap

tap = Tap()


def ask(collector, *parts):
    return collector.get("/api/v1/" + "/".join(
        urllib.parse.quote(part, safe="") for part in parts))


def journey(collector, user):
    answer = ask(collector, "users", user, "journey")
    equal(answer.status, 200, "journey of " + user)
    return answer.json


def send(collector, case, events):
    for e in events:
        if e["eventId"] in case.get("page", ()):
            answer = collector.post("/", {"events": [e]}, {
                "Origin": "https://shop.example"}, key=None)
            equal((answer.status, answer.json["accepted"]), (200, 1),
                  "the page's event")
        else:
            equal(collector.send(e)["accepted"], 1, "accepted")


def check(collector, expect):
    for user, wanted in expect.get("journeys", {}).items():
        equal([e["eventId"] for e in journey(collector, user)["events"]],
              wanted, "journey of " + user)
    for user, wanted in expect.get("userIds", {}).items():
        equal(sorted(journey(collector, user)["userIds"]), wanted,
              "users of " + user)
    for user in expect.get("unknown", ()):
        equal(ask(collector, "users", user).status, 404, user)
    for visitor, wanted in expect.get("owners", {}).items():
        answer = ask(collector, "anonymous", visitor)
        equal({e["eventId"]: e.get("resolvedUserId")
               for e in answer.json["events"]}, wanted, "owners on " + visitor)
    for user, wanted in expect.get("sessions", {}).items():
        equal([s["eventCount"] for s in journey(collector, user)["sessions"]],
              wanted, "sessions of " + user)
    for user, wanted in expect.get("revenue", {}).items():
        equal({r.get("currency", ""): r["amount"]
               for r in journey(collector, user)["revenue"]}, wanted,
              "revenue of " + user)


def run(collector, case):
    words = {"journeys", "userIds", "unknown", "owners", "sessions", "revenue"}
    equal(set(case["expect"]) - words, set(), "words that are not known")
    events = list(case["events"])
    for order in range(3):
        send(collector, case, events)
        check(collector, case["expect"])
        equal(collector.post("/api/v1/reset", b"", key=None).status, 200,
              "reset")
        if order == 0:
            events.reverse()
        else:
            random.Random(order).shuffle(events)


def run_all():
    names = set()
    with Collector("--test", "--allow-origin", "https://shop.example",
                   "--partition-rows", "3") as collector:
        for path in sorted(glob.glob(os.path.join(
                SOURCE, "contract", "identity", "*.json"))):
            with open(path, encoding="utf-8") as file:
                for case in json.load(file)["cases"]:
                    equal(case["name"] in names, False, "a name given twice")
                    names.add(case["name"])
                    tap.check(case["name"], run, collector, case)
    equal(len(names) >= 22, True, "cases were found")


run_all()
tap.finish()
