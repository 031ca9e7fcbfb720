# SPDX-License-Identifier: MIT
"""Sessions, revenue, attribution, traits, groups and reports."""
import csv
import decimal
import glob
import gzip
import json
import os
import random

from collector import SHARED, Collector, equal, event, true
from tap import Skip, Tap

tap = Tap()
DAY = 86400


def at_day(name, day, second=0, **fields):
    made = event(name, second, **fields)
    made["timestamp"] = made["timestamp"].replace("-03-04", "-03-%02d" % day)
    return made


def journey(collector, user):
    answer = collector.get("/api/v1/users/%s/journey" % user)
    equal(answer.status, 200, "journey of " + user)
    return answer.json


def sessions_end_by_silence_or_by_id():
    with Collector() as collector:
        half = 30 * 60
        events = [event("view", 0, userId="u", eventId="1"),
                  event("view", half, userId="u", eventId="2"),
                  event("view", 2 * half + 1, userId="u", eventId="3"),
                  event("view", 2 * half + 2, userId="u", eventId="4",
                        sessionId="s1"),
                  event("view", 2 * half + 3, userId="u", eventId="5"),
                  event("view", 2 * half + 4, userId="u", eventId="6",
                        context={"session_id": "s2"})]
        random.Random(1).shuffle(events)
        collector.send(*events)
        found = journey(collector, "u")["sessions"]
        equal([s["eventCount"] for s in found], [2, 3, 1], "events")
        equal([s.get("sessionId") for s in found], [None, "s1", "s2"], "ids")
        equal(found[0]["end"], "2026-03-04T00:30:00.000Z", "end")


def revenue_is_exact():
    with Collector() as collector:
        prices = [("0.1", "usd"), ("0.2", "USD"), ("-0.05", "USD"),
                  ("1e2", "USD"), ("9007199254.740993", "EUR"),
                  ("0.000001", "EUR")]
        for i, (price, currency) in enumerate(prices):
            collector.post("/track", (
                '{"event":"purchase","userId":"u","eventId":"%d",'
                '"properties":{"value":%s,"currency":"%s"}}'
                % (i, price, currency)).encode())
        collector.send(
            event("add_to_cart", userId="u", properties={"value": 5}),
            event("upgrade", userId="u", properties={"revenue": "7.50"}),
            event("purchase", userId="u", properties={"amount": 2}),
            event("purchase", userId="u", properties={"value": "soon"}),
            event("purchase", userId="u", properties={
                "value": 1, "revenue": 10, "amount": 100}))
        body = collector.get("/api/v1/users/u").body.decode()
        for part in ('{"amount":100.25,"currency":"USD","events":4}',
                     '{"amount":9007199254.740994,"currency":"EUR","events":2}',
                     '{"amount":10.5,"events":3}'):
            true(part in body, part + " is not in " + body)


def credit_goes_to_the_click():
    with Collector() as collector:
        collector.send(
            at_day("$pageview", 1, 0, anonymousId="anon_a", eventId="1",
                   properties={"url": "https://shop.example/?fbclid=f1",
                               "fbclid": "f1", "utm_campaign": "spring"}),
            at_day("$pageview", 2, 0, anonymousId="anon_a", eventId="2",
                   properties={"url": "https://shop.example/",
                               "referrer": "https://www.google.com/"}),
            at_day("purchase", 3, 0, userId="u", anonymousId="anon_a",
                   eventId="3", properties={"value": 5}),
            at_day("$pageview", 9, 0, anonymousId="anon_a", eventId="4",
                   properties={"url": "https://shop.example/x"}),
            at_day("purchase", 9, 60, userId="u", anonymousId="anon_a",
                   eventId="5", properties={"value": 5}),
            at_day("$pageview", 10, 0, anonymousId="anon_a", eventId="6",
                   properties={"gclid": "g1", "url": "https://shop.example/"}),
            at_day("purchase", 10, 60, userId="u", eventId="7",
                   properties={"value": 5}))
        body = journey(collector, "u")
        credit = {e["eventId"]: e.get("credit", {}).get("eventId")
                  for e in body["events"] if "revenue" in e}
        equal(credit, {"3": "1", "5": None, "7": "6"},
              "credit within 7 days, beyond them, and in the same session")
        first, last = body["firstTouch"], body["lastTouch"]
        equal((first["source"], first["medium"], first["campaign"],
               first["clickId"]), ("facebook", "cpc", "spring", "f1"), "first")
        equal((last["source"], last["clickIdType"]), ("google", "gclid"),
              "last")
        equal([(s["source"], s["medium"]) for s in body["sessions"]],
              [("facebook", "cpc"), ("google", "organic"), ("direct", "none"),
               ("direct", "none"), ("google", "cpc")], "sessions")


def traits_are_the_last_word():
    events = [
        event("$identify", 10, userId="u", eventId="1",
              properties={"plan": "free", "name": "Ann", "anonymous_id": "a"}),
        event("$identify", 30, userId="u", eventId="2",
              properties={"$set": {"plan": "pro"}}),
        event("$identify", 20, userId="u", eventId="3",
              properties={"plan": "trial", "big": 9007199254740993}),
        event("$identify", 40, userId="u", eventId="4",
              properties={"platform": "ios"},
              context={"userProperties": {"city": "Paris"}})]
    for order in (events, events[::-1]):
        with Collector() as collector:
            collector.send(*order)
            answer = collector.get("/api/v1/users/u")
            equal(answer.json["traits"], {
                "plan": "pro", "name": "Ann", "big": 9007199254740993,
                "city": "Paris"}, "traits")


def groups_have_members_and_traits():
    with Collector("--partition-rows", "2") as collector:
        collector.send(
            event("$group", 20, userId="bob", eventId="1", properties={
                "groupId": "acme", "plan": "pro", "anonymous_id": "x"}),
            event("$group", 10, userId="ann", eventId="2", properties={
                "groupId": "acme", "plan": "free", "employees": 5}),
            event("$group", 30, userId="ann", eventId="3", properties={
                "groupId": "acme", "traits": {"city": "Rome"}}),
            event("$group", 30, userId="eve", eventId="4", properties={
                "groupId": "other"}),
            event("view", 30, userId="kim", eventId="5", properties={
                "groupId": "acme"}))
        body = collector.get("/api/v1/groups/acme").json
        equal(sorted((m["userId"], m["since"], m["lastSeen"])
                     for m in body["members"]),
              [("ann", "2026-03-04T00:00:10.000Z", "2026-03-04T00:00:30.000Z"),
               ("bob", "2026-03-04T00:00:20.000Z",
                "2026-03-04T00:00:20.000Z")], "members")
        equal(body["traits"], {"plan": "pro", "employees": 5, "city": "Rome"},
              "traits")
        equal(collector.get("/api/v1/groups/none").status, 404, "no group")


def reports_count_a_range():
    with Collector("--partition-rows", "3") as collector:
        collector.send(
            event("$pageview", 0, anonymousId="a", properties={
                "url": "https://x.example/1",
                "referrer": "https://www.bing.com/"}),
            event("$pageview", 60, anonymousId="a", properties={
                "url": "https://x.example/2", "utm_campaign": "spring"}),
            event("view", 2 * 3600, anonymousId="a"),
            event("$pageview", 7200, anonymousId="b", properties={
                "url": "https://x.example/1"}),
            event("purchase", 7300, userId="u", properties={"value": 12.5}),
            at_day("view", 20, 0, anonymousId="z"))
        day = {"since": "2026-03-04", "until": "2026-03-05"}
        body = collector.get("/api/v1/overview", **day).json
        equal((body["events"], body["pageviews"], body["visitors"],
               body["sessions"], body["partial"]), (5, 3, 3, 4, False),
              "overview")
        equal(body["revenue"], [{"amount": 12.5, "events": 1}], "revenue")
        equal([(p["at"], p["events"], p["pageviews"]) for p in body["series"]],
              [("2026-03-04T00:00:00.000Z", 2, 2),
               ("2026-03-04T02:00:00.000Z", 3, 1)], "series")
        for kind, rows in (
                ("page", [("https://x.example/1", 2),
                          ("https://x.example/2", 1)]),
                ("referrer", [("direct", 2), ("bing", 1)]),
                ("campaign", [("spring", 1)])):
            body = collector.get("/api/v1/traffic", type=kind, **day).json
            equal([(r["name"], r["events"]) for r in body["rows"]], rows, kind)
        for query in ("until=2026-03-01&since=2026-03-02", "aggregation=year"):
            equal(collector.get("/api/v1/overview?" + query).status, 400,
                  query)


def shop_adds_up_to_the_cent():
    folder = os.path.join(SHARED, "data", "clickstream", "online-retail")
    if not os.path.isdir(folder):
        raise Skip("needs the shared test data")
    total = decimal.Decimal(0)
    customers, count = set(), 0
    with Collector("--rate-limit", "unlimited",
                   "--query-time", "10m") as collector:
        for path in sorted(glob.glob(folder + "/*.csv*"))[:20]:
            opener = gzip.open if path.endswith(".gz") else open
            batch = []
            with opener(path, "rt", encoding="utf-8", newline="") as file:
                for number, row in enumerate(csv.DictReader(file)):
                    amount = (decimal.Decimal(row["Quantity"]) *
                              decimal.Decimal(row["UnitPrice"]))
                    total += amount
                    count += 1
                    customers.add(row["CustomerID"])
                    who = ('"userId":"%s"' % row["CustomerID"]
                           if row["CustomerID"] else '"anonymousId":"none"')
                    batch.append(
                        '{"event":"%s",%s,"eventId":"%s-%d","timestamp":"%s",'
                        '"properties":{"revenue":%s,"currency":"GBP",'
                        '"description":%s}}' % (
                            "refund" if row["InvoiceNo"][0] == "C"
                            else "purchase", who, os.path.basename(path),
                            number, row["InvoiceDate"], amount,
                            json.dumps(row["Description"])))
            for start in range(0, len(batch), 5000):
                body = '{"events":[%s]}' % ",".join(batch[start:start + 5000])
                answer = collector.post("/batch", body.encode())
                equal(answer.json["rejected"], [], "refused in " + path)
        stats = collector.stats()
        equal((stats["events"], stats["users"]),
              (count, len(customers - {""})), "stats")
        body = collector.get("/api/v1/overview", since="2010-12-01",
                             until="2011-03-01").body
        found = json.loads(body, parse_float=decimal.Decimal)
        equal(found["revenue"], [{"amount": total, "currency": "GBP",
                                  "events": count}], "revenue")
        equal((found["events"], found["partial"]), (count, False), "events")


tap.check("sessions end by half an hour of silence or by another id",
          sessions_end_by_silence_or_by_id)
tap.check("revenue adds up without rounding, by currency", revenue_is_exact)
tap.check("a sale is credited to its session's click, else to one in its window",
          credit_goes_to_the_click)
tap.check("traits are the last word on each, whatever came first",
          traits_are_the_last_word)
tap.check("groups have members and traits", groups_have_members_and_traits)
tap.check("overview and traffic count a range", reports_count_a_range)
tap.check("the orders of a real shop add up to the cent",
          shop_adds_up_to_the_cent)
tap.finish()
