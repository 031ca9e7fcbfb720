#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`datalyr import` of real files into a real datalyrd, checked from its read
API against what the files are known to hold (counts and sums were taken from
them by an independent script; the data's README lists them).

Every test ends with the conservation law: accepted = delivered + dropped +
pending on the one side, what the collector stored on the other."""
import collections
import csv
import decimal
import glob
import gzip
import json
import os
import sys
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[0:0] = [os.path.join(HERE, "..", "cli"),
                 os.path.join(HERE, "..", "collector")]
import cli  # noqa: E402
from cli import conserved, contains, equal, is_true, need, run, test  # noqa
import collector  # noqa: E402


class Collector(collector.Collector):
    """A datalyrd with the key that the command line is given."""

    def __init__(self):
        super().__init__("--rate-limit", "unlimited", keys=(cli.KEY,))

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.address}{path}?{query}",
                                    timeout=cli.PATIENCE_S) as answer:
            return json.load(answer, parse_float=str, parse_int=int)

    def events(self):
        """All stored events in order of arrival, numbers with a fraction as
        text."""
        cursor, more = None, True
        while more:
            page = self.get("/api/v1/events", limit=10000,
                            **({"cursor": cursor} if cursor else {}))
            yield from page["events"]
            cursor, more = page["cursor"], page["more"]

    def events_as_in(self, *words):
        """The stored events in the order of the files: requests overtake one
        another, and a dry run says which id each record has."""
        stored = {event["eventId"]: event for event in self.events()}
        lines = run("import", *words, "--dry-run").lines
        return [stored[line["eventId"]] for line in lines]

    def stats(self):
        return self.get("/api/v1/stats")

    def load(self, *words, code=0, **extra):
        """Imports, and checks the law on both sides."""
        before = self.stats()
        done = run("import", *words, "--host", self.address + "/track",
                   code=code, **extra)
        ledger = conserved(done.ledger)
        after = self.stats()
        equal(ledger["dropped"] + ledger["pending"], 0, f"lost in {ledger}")
        equal(after["events"] - before["events"],
              ledger["delivered"] - ledger["duplicates"], "newly stored")
        return done


RETAIL = ("--event", "purchase", "--map", "user_id=CustomerID",
          "--map", "anonymous_id=InvoiceNo", "--map", "timestamp=InvoiceDate",
          "--timezone", "Europe/London",
          "--map", "properties.order_id=InvoiceNo",
          "--map", "properties.revenue=Quantity*UnitPrice",
          "--map", "properties.quantity=Quantity:number",
          "--map", "properties.currency==GBP")


def retail_files():
    files = sorted(glob.glob(os.path.join(
        need("clickstream/online-retail"), "*.csv*")))
    equal(len(files), 68, "files of the shop")
    return files


def retail_rows():
    for path in retail_files():
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


@test("105,335 order lines arrive with their sum to the cent, and once")
def online_retail():
    files = retail_files()
    with Collector() as server:
        ledger = server.load(*files, *RETAIL).ledger
        equal(ledger["accepted"], 105335, "accepted")
        equal((ledger["rejected"], ledger["duplicates"]), (0, 0), "refused")
        revenue = decimal.Decimal(0)
        known = decimal.Decimal(0)
        invoices, customers, countries, codes = set(), set(), set(), set()
        expected = collections.Counter(
            (r["InvoiceNo"], r["StockCode"], r["Description"], r["Country"])
            for r in retail_rows())
        found = collections.Counter()
        for event in server.events():
            properties = event["properties"]
            revenue += decimal.Decimal(properties["revenue"])
            invoices.add(properties["order_id"])
            countries.add(properties["Country"])
            codes.add(properties["StockCode"])
            if "userId" in event:
                customers.add(event["userId"])
                known += decimal.Decimal(properties["revenue"])
            found[(properties["order_id"], properties["StockCode"],
                   properties["Description"], properties["Country"])] += 1
        equal(revenue, decimal.Decimal("1807019.93"), "sum of revenue")
        equal(known, decimal.Decimal("1466224.55"), "sum with a customer")
        equal((len(invoices), len(customers), len(countries), len(codes)),
              (4894, 1749, 31, 3159), "invoices, customers, countries, codes")
        is_true(found == expected, "every line as it is in the files, "
                "repeats and blanks around texts included")
        first = next(server.events())
        equal(first["timestamp"], "2010-12-01T08:26:00.000Z", "first")
        # The same files again, in another order and from another place.
        again = server.load(*reversed(files), *RETAIL).ledger
        equal(again["duplicates"], 105335, "all known already")
        equal(server.stats()["events"], 105335, "stored")


@test("975 exact repeats inside one file stay 975 events")
def repeats_stay():
    lines, header = [], None
    for path in retail_files():
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rb") as file:
            header = file.readline()
            lines.append(file.read())
    with cli.Folder() as folder, Collector() as server:
        path = folder.file("all.csv", header + b"".join(lines))
        ledger = server.load(path, *RETAIL).ledger
        equal(ledger["accepted"], 105335, "accepted")
        equal(server.stats()["events"], 105335, "stored, repeats included")
        distinct = {json.dumps([e.get("userId"), e["timestamp"],
                                e["properties"]]) for e in server.events()}
        equal(105335 - len(distinct), 975, "repeats")
        # The same file as gzip, elsewhere: the same records.
        packed = folder.file("elsewhere/all.csv.gz", gzip.compress(
            header + b"".join(lines), 1))
        equal(server.load(packed, *RETAIL).ledger["duplicates"], 105335,
              "known although packed")


@test("39,244 edits of 51 Wikipedias arrive, names unchanged")
def wikiticker():
    path = need("clickstream/wikiticker-2015-09-12-sampled.json.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    with Collector() as server:
        words = (path, "--event", "edit", "--map", "user_id=user", "--map",
                 "timestamp=time", "--map", "group_id=channel")
        ledger = server.load(*words).ledger
        equal((ledger["accepted"], ledger["rejected"]), (39244, 0), "lines")
        for line, event in zip(lines, server.events_as_in(*words)):
            equal(event["userId"], line["user"], "user")
            equal(event["timestamp"], line["time"], "time")
            equal(event["properties"],
                  {k: v for k, v in line.items()
                   if k not in ("user", "time", "channel")}, "properties")
        equal(server.load(*words).ledger["duplicates"], 39244, "again")


@test("730 mixed events: what is refused is named, nothing is merged")
def rudder():
    path = need("events/rudder-events.ndjson")
    with open(path, encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    with cli.Folder() as folder, Collector() as server:
        rejects = folder.file("rejects.ndjson")
        ledger = server.load(path, "--rejects", rejects, code=1).ledger
        equal(ledger["accepted"] + ledger["rejected"], 730, "lines")
        with open(rejects, encoding="utf-8") as file:
            refused = [json.loads(line) for line in file]
        equal(len(refused), ledger["rejected"], "lines of --rejects")
        reasons = collections.Counter(r["reason"] for r in refused)
        equal(reasons["neither a user id nor an anonymous id"], 15, "no id")
        equal(reasons["no event name"], 16, "no name")
        equal(sum(n for r, n in reasons.items() if "event name is" in r), 4,
              "names that are no text")
        equal(reasons['"NOW" is no time'], 12, "times that are none")
        for reject in refused:
            equal(reject["file"], path, "file")
            equal(json.loads(reject["original"]), lines[reject["line"] - 1],
                  "original of its line")
        # One messageId stands on 156 different events.
        equal(server.stats()["events"], ledger["accepted"], "not merged")
        equal(ledger["duplicates"], 0, "duplicates")
        kept = [line for number, line in enumerate(lines, 1)
                if number not in {r["line"] for r in refused}]
        for line, event in zip(kept, server.events_as_in(path)):
            compare_segment(line, event)
        again = server.load(path, "--rejects", rejects, code=1).ledger
        equal(again["duplicates"], ledger["accepted"], "again")


NAMES = {"identify": "$identify", "page": "$pageview", "screen": "$pageview",
         "group": "$group", "alias": "$alias"}


def compare_segment(line, event):
    kind = line["type"].lower()
    equal(event["event"], NAMES.get(kind, line.get("event")), "name")
    user = line.get("userId")
    if str(user) != line.get("anonymousId"):  # the collector shows one of two
        equal(event.get("userId"),
              str(user) if user not in (None, "") else None, "user")
    equal(event.get("anonymousId"), line.get("anonymousId") or None,
          "anonymous id")
    if kind == "screen" and (line.get("name") or line.get("event")):
        equal(event["properties"]["screen"],
              line.get("name") or line.get("event"), "screen")
    source = line.get("traits" if kind in ("identify", "group")
                      else "properties") or {}
    source = json.loads(json.dumps(source), parse_float=str)
    for key, value in source.items():
        if key in ("groupId", "anonymous_id") or kind == "alias" or (
                key == "name" and kind == "page" and line.get("name")):
            continue  # the call's own argument wins
        equal(event["properties"].get(key), value, f"property {key}")


def find_difference(properties, row):
    """A column of the row that the event does not say; None: there is none."""
    for column, value in row.items():
        if column in properties and column != "anonymous_id" and \
                properties[column] != value:
            return column
    return None


@test("Snowplow CSV: CRLF, JSON in fields, ids that come twice")
def snowplow():
    path = need("clickstream/snowplow-web/snowplow_web_events.csv")
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    equal(len(rows), 160, "rows")
    maps = ("--map", "event_id=event_id", "--map", "event=event_name",
            "--map", "user_id=user_id", "--map", "anonymous_id=domain_userid",
            "--map", "timestamp=derived_tstamp|collector_tstamp")
    with Collector() as server:
        ledger = server.load(path, *maps).ledger
        equal((ledger["accepted"], ledger["rejected"]), (160, 0), "rows")
        equal(ledger["duplicates"], 3, "ids that come twice")
        events = {e["eventId"]: e for e in server.events()}
        equal(len(events), 157, "stored")
        for row in rows:
            event = events[row["event_id"]]
            equal(event["userId"], row["user_id"], "user")
            equal(event["event"], row["event_name"], "name")
        for identifier, event in events.items():
            # Of two with one id that is kept which arrives first.
            found = [row for row in rows if row["event_id"] == identifier]
            wrong = [find_difference(event["properties"], row)
                     for row in found]
            is_true(None in wrong, f"{identifier}: {wrong}")
        is_true(any(value.startswith("[{") for row in rows
                    for value in row.values()), "there is JSON in fields")
    vitals = need("clickstream/snowplow-web/snowplow_web_vital_events.csv.gz")
    with cli.Folder() as folder, Collector() as server:
        done = server.load(vitals, *maps, "--rejects", folder.file("r"), code=1)
        equal(done.ledger["accepted"] + done.ledger["rejected"], 1001, "rows")
        is_true(done.ledger["rejected"] <= 2, "the row that is nearly empty")


@test("OTTO sessions: --each unrolls 862 events of 20 lines")
def otto():
    path = need("clickstream/otto-sessions-sample.jsonl")
    with open(path, encoding="utf-8") as file:
        sessions = [json.loads(line) for line in file]
    with Collector() as server:
        words = (path, "--each", "events", "--map", "anonymous_id=session",
                 "--map", "event=type", "--map", "timestamp=ts", "--map",
                 "properties.product_id=aid")
        ledger = server.load(*words).ledger
        equal((ledger["accepted"], ledger["rejected"]), (862, 0), "events")
        events = server.events_as_in(*words)
        equal(collections.Counter(e["event"] for e in events),
              {"clicks": 800, "carts": 52, "orders": 10}, "names")
        equal([(str(s["session"]), e["aid"])
               for s in sessions for e in s["events"]],
              [(e["anonymousId"], e["properties"]["product_id"])
               for e in events], "sessions and products in order")


@test("Stripe, Shopify and GitHub payloads arrive digit for digit")
def webhooks():
    stripe = sorted(glob.glob(os.path.join(need("webhooks/stripe/events"),
                                           "*.json")))
    shopify = sorted(glob.glob(os.path.join(
        need("webhooks/shopify/docs-2025-10"), "**", "*.json"),
        recursive=True))
    with Collector() as server:
        ledger = server.load(*stripe, "--event", "stripe", "--map",
                             "user_id=data.object.customer|data.object.id",
                             "--map", "anonymous_id=id", "--map",
                             "timestamp=created", "--map",
                             "properties.kind=type").ledger
        equal((ledger["accepted"], ledger["rejected"]), (len(stripe), 0),
              "Stripe bodies")
        by_kind = {}
        for path in stripe:
            with open(path, encoding="utf-8") as file:
                body = json.load(file, parse_float=str)
            by_kind[json.dumps(body["data"])] = body
        for event in server.events():
            contains(by_kind.keys(), json.dumps(event["properties"]["data"]),
                     "body")
    with Collector() as server:
        ledger = server.load(*shopify, "--each", "response", "--event",
                             "shopify", "--map",
                             "user_id=customer.id|=nobody").ledger
        equal(ledger["accepted"] + ledger["rejected"], len(shopify),
              "Shopify bodies")
        texts = json.dumps([e["properties"] for e in server.events()])
        contains(texts, "820982911946154500", "an id above 2^53")
    path = need("webhooks/github/octokit-webhooks-examples.index.json.gz")
    with Collector() as server:
        words = (path, "--each", "examples", "--map",
                 "event=name|action|=github", "--map",
                 "user_id=sender.id|=none", "--map",
                 "group_id=organization.id")
        ledger = server.load(*words).ledger
        equal((ledger["accepted"], ledger["rejected"]), (329, 0),
              "GitHub payloads")
        with gzip.open(path) as file:
            kinds = json.load(file, parse_float=str)
        equal([json.dumps(x.get("repository"), sort_keys=True)
               for kind in kinds for x in kind["examples"]],
              [json.dumps(e["properties"].get("repository"), sort_keys=True)
               for e in server.events_as_in(*words)], "repositories in order")


@test("what the collector gives out is taken back under the same ids")
def export_form():
    path = need("events/rudder-events.ndjson")
    with cli.Folder() as folder, Collector() as one, Collector() as two:
        one.load(path, "--rejects", folder.file("r"), code=1)
        events = list(one.events())
        export = folder.file("export.ndjson", "\n".join(
            json.dumps(event, ensure_ascii=False) for event in events))
        ledger = two.load(export).ledger
        equal(ledger["accepted"], len(events), "accepted")
        keep = ("eventId", "event", "userId", "anonymousId", "properties",
                "timestamp")
        for before, after in zip(events, two.events_as_in(export)):
            equal({k: after.get(k) for k in keep},
                  {k: before.get(k) for k in keep}, "event")
        equal(one.load(export).ledger["duplicates"], len(events),
              "known where they came from")


if __name__ == "__main__":
    cli.main(workers=1)  # they read a lot of JSON: threads only cost
