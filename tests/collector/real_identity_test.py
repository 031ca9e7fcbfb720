# SPDX-License-Identifier: MIT
"""Real events, with all their shared devices, repeats and odd times: people,
sessions and sums are those of a computation that shares no code with the
collector."""
import csv
import datetime
import decimal
import json
import os
import random
import urllib.parse

from collector import SHARED, Collector, equal, true
from identity_model import journey, owner_map
from tap import Skip, Tap

tap = Tap()
DATA = os.path.join(SHARED, "data")
HALF_HOUR = datetime.timedelta(minutes=30)
SALES = ("purchase", "refund", "subscribe", "subscription_renewed",
         "trial_converted")


def path_of(*parts):
    path = os.path.join(DATA, *parts)
    if not os.path.exists(path):
        raise Skip("needs the shared test data")
    return path


def utc(text):
    """A time of the data in the one form that sorts as text."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    moment = moment.astimezone(datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (
        moment.microsecond // 1000)


# ------------------------------------------------------------ other computations

def money_of(e):
    """(currency, amount) of an event, or None."""
    properties = e.get("properties", {})
    if e["event"] not in SALES and "revenue" not in properties:
        return None
    for name in ("value", "revenue", "amount"):
        value = properties.get(name)
        if isinstance(value, (int, str, decimal.Decimal)) and not isinstance(
                value, bool):
            try:
                return (str(properties.get("currency", "")).upper(),
                        decimal.Decimal(value))
            except decimal.InvalidOperation:
                continue
    return None


def sums_of(events):
    sums = {}
    for e in events:
        money = money_of(e)
        if money:
            amount, count = sums.get(money[0], (decimal.Decimal(0), 0))
            sums[money[0]] = (amount + money[1], count + 1)
    return sums


def sessions_of(events):
    """[(first event id, number of events)] of events in order."""
    found, last, name = [], None, None
    for e in events:
        at = datetime.datetime.fromisoformat(e["timestamp"][:-1])
        own = e.get("sessionId") or None
        if last is None or at - last > HALF_HOUR or (
                own and name and own != name):
            found.append([e["eventId"], 0])
            name = None
        name = own or name
        found[-1][1] += 1
        last = at
    return [tuple(s) for s in found]


# ---------------------------------------------------------------- the comparison

def ask(collector, *parts):
    answer = collector.get("/api/v1/" + "/".join(
        urllib.parse.quote(part, safe="") for part in parts))
    equal(answer.status, 200, "status of %r" % (parts,))
    return json.loads(answer.body, parse_float=decimal.Decimal)


def check_user(collector, events, user, merged):
    by_id = {e["eventId"]: e for e in events}
    wanted = journey(events, user)
    mine = [by_id[i] for i in wanted]
    body = ask(collector, "users", user, "journey")
    equal([e["eventId"] for e in body["events"]], wanted, "events of " + user)
    equal(set(body["userIds"]), merged[user], "users merged with " + user)
    equal([s["eventCount"] for s in body["sessions"]],
          [n for _, n in sessions_of(mine)], "sessions of " + user)
    equal({r.get("currency", ""): (r["amount"], r["events"])
           for r in body["revenue"]}, sums_of(mine), "revenue of " + user)
    for link in body["links"]:
        true(link["eventId"] in by_id, "the proof of a link is an event")


def check_all(collector, events):
    owners, merged = owner_map(events)
    users = {e["userId"] for e in events if e.get("userId")}
    visitors = {e["anonymousId"] for e in events if e.get("anonymousId")}
    stats = collector.stats()
    equal((stats["events"], stats["users"], stats["visitors"]),
          (len(events), len(users), len(visitors)), "stats")
    for user in users:
        check_user(collector, events, user, merged)
    for visitor in visitors:
        body = ask(collector, "anonymous", visitor)
        equal({e["eventId"]: e.get("resolvedUserId") for e in body["events"]},
              {e["eventId"]: owners[e["eventId"]] for e in events
               if e.get("anonymousId") == visitor}, "owners on " + visitor)
    return users, visitors


def compare(events, rows, repeats=()):
    """Sends in two orders, with and without restarts between."""
    rng = random.Random(730)
    sent = list(events) + list(repeats)
    for round_ in range(2):
        with Collector("--partition-rows", str(rows)) as collector:
            for at in range(0, len(sent), 50):
                collector.post("/batch", json.dumps(
                    {"events": sent[at:at + 50]}, default=float).encode())
            if round_ == 1:
                collector.restart()
            found = check_all(collector, events)
            equal(collector.stats()["duplicates"], len(repeats), "duplicates")
        # Of a repeat the first stays, so those keep their order.
        first = [e for e in sent if e not in repeats]
        rng.shuffle(first)
        sent = first + list(repeats)
    return found


# --------------------------------------------------------------------- the data

def read_snowplow():
    path = path_of("clickstream", "snowplow-web", "snowplow_web_events.csv")
    events, repeats, seen = [], [], set()
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            made = {"event": row["event_name"], "eventId": row["event_id"],
                    "userId": row["user_id"],
                    "timestamp": utc(row["derived_tstamp"])}
            if row["domain_userid"]:
                made["anonymousId"] = row["domain_userid"]
            if row["domain_sessionid"]:
                made["sessionId"] = row["domain_sessionid"]
            (repeats if row["event_id"] in seen else events).append(made)
            seen.add(row["event_id"])
    return events, repeats


NAMES = {"identify": "$identify", "page": "$pageview", "screen": "screen",
         "group": "$group", "alias": "$alias"}
MONEY = ("revenue", "value", "amount", "currency")


def read_call(number, call):
    """A call of the other vendor as an event of ours; None: no id at all."""
    kind = call["type"].lower()
    name = call.get("event")
    made = {"eventId": "r-%04d" % number, "timestamp": "2022-02-02T02:02:02.000Z",
            "event": NAMES.get(kind) or (
                name if isinstance(name, str) and name else "unnamed")}
    if call.get("userId") not in (None, ""):
        made["userId"] = str(call["userId"])
    if call.get("anonymousId"):
        made["anonymousId"] = call["anonymousId"]
    if "userId" not in made and "anonymousId" not in made:
        return None
    if made.get("userId") == made.get("anonymousId"):
        del made["userId"]  # it only repeats the anonymous id
    for field in ("timestamp", "originalTimestamp", "sentAt"):
        try:
            made["timestamp"] = utc(call[field])
            break
        except (KeyError, ValueError, TypeError, AttributeError):
            continue
    properties = call.get("properties")
    properties = {k: properties[k] for k in MONEY
                  if isinstance(properties, dict) and
                  isinstance(properties.get(k), (str, int, decimal.Decimal))}
    if kind == "alias" and call.get("previousId"):
        properties["previousId"] = str(call["previousId"])
    if properties:
        made["properties"] = properties
    return made


def read_calls():
    with open(path_of("events", "rudder-events.ndjson"),
              encoding="utf-8") as file:
        calls = [json.loads(line, parse_float=decimal.Decimal)
                 for line in file]
    equal(len(calls), 730, "calls in the data")
    made = [read_call(i, call) for i, call in enumerate(calls)]
    return [e for e in made if e is not None]


def snowplow_stitches():
    events, repeats = read_snowplow()
    equal((len(events), len(repeats)), (157, 3), "events and repeats")
    users, visitors = compare(events, 40, repeats)
    equal((len(users), len(visitors)), (25, 42), "users and anonymous ids")


def shared_devices_stay_apart():
    events = read_calls()
    equal(len(events), 715, "calls with an id")
    users_of = {}
    for e in events:
        if e.get("userId") and e.get("anonymousId"):
            users_of.setdefault(e["anonymousId"], set()).add(e["userId"])
    shared = [v for v, users in users_of.items() if len(users) > 1]
    # The tenth is shared with a "user" that is the anonymous id once more.
    equal(len(shared), 9, "shared anonymous ids")
    true(sum(money_of(e) is not None for e in events) > 20, "no sales")
    compare(events, 150)


tap.check("the stitching cases of Snowplow: people and sessions",
          snowplow_stitches)
tap.check("730 mixed calls with ten shared anonymous ids: people and sums",
          shared_devices_stay_apart)
tap.finish()
