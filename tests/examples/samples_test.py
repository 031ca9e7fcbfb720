# SPDX-License-Identifier: MIT
"""The short samples do what they say, against a real collector."""
import json
import os
import signal
import urllib.request

from example import (Collector, Run, Service, Skip, Tap, all_events, arrived,
                     equal, ledger, true)


def by_name(collector):
    """Single events go out side by side, so they may arrive in any order."""
    return {event["event"]: event for event in all_events(collector)}


def basics_sends_every_kind_of_event():
    with Collector() as collector:
        run = Run(collector, "basics")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(8), "ledger")
        equal(sorted(name for name, in arrived(collector, "event")),
              ["$alias", "$group", "$identify", "$pageview", "login",
               "purchase", "purchase", "signup"], "events")
        found = by_name(collector)
        equal(found["login"]["properties"],
              {"method": "email", "remember_me": True, "invited_by": None,
               "anonymous_id": "anon_abc123"}, "properties of login")
        equal(found["$group"]["properties"],
              {"groupId": "company_456", "name": "Acme Corp",
               "employees": 500}, "properties of the group")
        true({"revenue": 99.99, "currency": "USD",
              "products": ["prod_456", "prod_789"]}
             in [event["properties"] for event in all_events(collector)],
             "the first purchase has not arrived as it was given")


def basics_makes_two_ids_one_person():
    with Collector() as collector:
        Run(collector, "basics")
        person = collector.get("/api/v1/users/user_123").json
        equal(person["anonymousIds"], ["anon_abc123"], "anonymous ids")
        equal(person["eventCount"], 8, "events of the person")


def configuration_reads_a_file():
    with Collector() as collector:
        with open(collector.folder + "/settings", "w") as file:
            file.write("# as a service would have it\n\nflush_at = 50\n"
                       "timeout_ms = 2s\nmax_queue_bytes = 8MiB\n")
        run = Run(collector, "configuration", "settings")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(1), "ledger")
        equal(arrived(collector, "event", "properties"),
              [("configured", {"service": "checkout",
                               "release": "2026.11.2"})], "events")


def configuration_names_a_wrong_setting():
    with Collector() as collector:
        for line, words in (("flush_at = 0", ["flush_at", "0", "1000000"]),
                            ("flush_att = 5", ["flush_att"]),
                            ("timeout_ms = soon", ["timeout_ms", "soon"]),
                            ("batch = sometimes", ["batch", "auto"])):
            with open(collector.folder + "/settings", "w") as file:
                file.write(line + "\n")
            run = Run(collector, "configuration", "settings")
            equal(run.code, 1, "exit code for " + line)
            for word in words:
                true(word in run.err, "%s is not in: %s" % (word, run.err))


def identity_links_what_was_anonymous():
    with Collector() as collector:
        run = Run(collector, "identity", "anon_from_the_page")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(5), "ledger")
        journey = collector.get("/api/v1/users/user_123/journey").json
        equal(journey["anonymousIds"], ["anon_from_the_page"], "anonymous ids")
        equal(sorted(journey["userIds"]),
              ["user_123", "user_of_the_old_shop"], "user ids")
        page = [event for event in journey["events"]
                if event["event"] == "$pageview"][0]
        equal(page.get("userId"), None, "user id of the anonymous page view")
        equal(page["resolvedUserId"], "user_123", "whose page view it was")


def batching_needs_few_requests():
    with Collector() as collector:
        run = Run(collector, "batching")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(100), "ledger")
        equal(sorted(index for index, in
                     arrived(collector, "properties.index")),
              list(range(100)), "indexes")
        requests = int(run.out.split(" events in ")[1].split()[0])
        true(requests <= 50, "%d requests for 100 events" % requests)


def errors_show_in_one_place_each():
    with Collector() as collector:
        run = Run(collector, "error_handling")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(1, rejected=3), "ledger")
        lines = run.err.splitlines()
        equal(len(lines), 3, "refused calls in: " + run.err)
        for line, word in zip(lines, ("user_id", "revenue", "UTF-8")):
            true(word in line, "%s is not in: %s" % (word, line))
        equal(os.path.getsize(collector.folder + "/dead-letters.ndjson"), 0,
              "size of the dead letters")


def dropped_events_can_be_imported_later():
    with Collector() as collector:
        run = Run(collector, "error_handling", DATALYR_API_KEY="dk_wrong_key")
        equal(run.code, 1, "exit code")
        equal(run.ledger, ledger(1, delivered=0, dropped=1, rejected=3),
              "ledger")
        true("permanent_client_error" in run.err, "no reason in: " + run.err)
        true("dk_wrong_key" not in run.err, "the key is shown")
        with open(collector.folder + "/dead-letters.ndjson") as file:
            letters = [json.loads(line) for line in file]
        equal([letter["properties"]["revenue"] for letter in letters], [99.99],
              "dead letters")
        equal(collector.stats()["events"], 0, "events stored")
        collector.send(*letters)
        equal(arrived(collector, "eventId"), [(letters[0]["eventId"],)],
              "ids after the second attempt")


def sigterm_delivers_before_it_ends():
    for number in (signal.SIGTERM, signal.SIGINT):
        with Collector() as collector, \
                Service(collector, "sigterm") as service:
            end = service.stop(number)
            true(end["accepted"] >= 1, "events accepted")
            equal(end, ledger(end["accepted"]), "ledger")
            equal(sorted(place for place, in
                         arrived(collector, "properties.number")),
                  list(range(end["accepted"])), "numbers")


def prefork_counts_each_request_once():
    if os.environ.get("DATALYR_SANITIZE") == "thread":
        raise Skip("the thread sanitizer takes no new threads after a fork")
    with Collector() as collector, \
            Service(collector, "prefork", "3") as service:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        for _ in range(60):
            with opener.open(service.first_line) as answer:
                equal(answer.read(), b"ok\n", "answer")
        service.stop()
        equal(len(service.ledgers), 4, "ledgers of 3 workers and a parent")
        equal(service.ledgers[-1], ledger(1), "ledger of the parent")
        equal(sum(each["delivered"] for each in service.ledgers), 61,
              "delivered by all processes")
        names = [name for name, in arrived(collector, "event")]
        equal(names.count("server_started"), 1, "events of the parent")
        equal(names.count("request_served"), 60, "events of the workers")
        equal(collector.stats()["duplicates"], 0, "duplicates")


def main():
    tap = Tap()
    tap.check("basics: every kind of event arrives as it was given",
              basics_sends_every_kind_of_event)
    tap.check("basics: both ids on one event make one person",
              basics_makes_two_ids_one_person)
    tap.check("configuration: settings come from a file",
              configuration_reads_a_file)
    tap.check("configuration: a wrong setting is named with its range",
              configuration_names_a_wrong_setting)
    tap.check("identity: what was anonymous becomes the user's",
              identity_links_what_was_anonymous)
    tap.check("batching: 100 events take far fewer requests",
              batching_needs_few_requests)
    tap.check("errors: each fault shows in exactly one place",
              errors_show_in_one_place_each)
    tap.check("errors: what was dropped can be sent later with its id",
              dropped_events_can_be_imported_later)
    tap.check("sigterm: everything is delivered before the end",
              sigterm_delivers_before_it_ends)
    tap.check("prefork: each process delivers its own, each request once",
              prefork_counts_each_request_once)
    tap.finish()


if __name__ == "__main__":
    main()
