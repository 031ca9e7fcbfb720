# SPDX-License-Identifier: MIT
"""Who did what: the collector's answers against an independent computation,
whatever the order of arrival."""
import random

from collector import Collector, equal, event, true
from identity_model import journey, owner_map
from tap import Tap

tap = Tap()


def ids(answer):
    return [e["eventId"] for e in answer.json["events"]]


def journey_of(collector, user):
    answer = collector.get("/api/v1/users/%s/journey" % user)
    equal(answer.status, 200, "journey of %s" % user)
    return answer


def login_owns_what_came_before():
    with Collector() as collector:
        collector.send(
            event("view", 10, anonymousId="anon_a", eventId="1"),
            event("$identify", 20, userId="ann", anonymousId="anon_a",
                  eventId="2"),
            event("view", 30, anonymousId="anon_a", eventId="3"),
            event("order", 40, userId="ann", eventId="4"),
            event("view", 15, anonymousId="anon_b", eventId="5"))
        answer = journey_of(collector, "ann")
        equal(ids(answer), ["1", "2", "3", "4"], "journey")
        equal(answer.json["anonymousIds"], ["anon_a"], "anonymous ids")
        proof = [(x["anonymousId"], x["rule"], x["eventId"])
                 for x in answer.json["links"]]
        equal(proof, [("anon_a", "together", "2")], "proof")


def shared_device_does_not_merge():
    with Collector() as collector:
        collector.send(
            event("view", 10, anonymousId="anon_tv", eventId="1"),
            event("login", 20, userId="ann", anonymousId="anon_tv",
                  eventId="2"),
            event("view", 30, anonymousId="anon_tv", eventId="3"),
            event("login", 40, userId="bob", anonymousId="anon_tv",
                  eventId="4"),
            event("view", 50, anonymousId="anon_tv", eventId="5"))
        equal(ids(journey_of(collector, "ann")), ["1", "2"], "ann")
        equal(ids(journey_of(collector, "bob")), ["3", "4", "5"], "bob")
        answer = collector.get("/api/v1/anonymous/anon_tv")
        equal([e.get("resolvedUserId") for e in answer.json["events"]],
              ["ann", "ann", "bob", "bob", "bob"], "owners")
        equal(sorted(answer.json["userIds"]), ["ann", "bob"], "users")


def ties_are_settled_by_event_id():
    with Collector() as collector:
        collector.send(
            event("login", 20, userId="bob", anonymousId="anon_t",
                  eventId="m"),
            event("login", 20, userId="ann", anonymousId="anon_t",
                  eventId="k"),
            event("view", 20, anonymousId="anon_t", eventId="l"),
            event("view", 20, anonymousId="anon_t", eventId="a"))
        equal(ids(journey_of(collector, "ann")), ["a", "k"], "ann")
        equal(ids(journey_of(collector, "bob")), ["l", "m"], "bob")


def alias_merges_users_and_links_visitors():
    with Collector() as collector:
        collector.send(
            event("view", 5, anonymousId="device-9", eventId="0"),
            event("order", 10, userId="old", eventId="1"),
            event("$alias", 20, userId="new", eventId="2",
                  properties={"previousId": "old"}),
            event("order", 30, userId="new", eventId="3"),
            event("$alias", 40, userId="new", eventId="4",
                  properties={"previousId": "device-9"}))
        for user in ("old", "new"):
            answer = journey_of(collector, user)
            equal(ids(answer), ["0", "1", "2", "3", "4"], user)
            equal(sorted(answer.json["userIds"]), ["new", "old"], "users")
            equal(answer.json["anonymousIds"], ["device-9"], "anonymous")


def random_events(rng, count):
    users = ["u%d" % i for i in range(6)]
    visitors = (["anon_%d" % i for i in range(6)] +
                ["device-%d" % i for i in range(3)])
    made = []
    for i in range(count):
        kind = rng.random()
        fields = {"eventId": "e%03d" % rng.randrange(10**6) + "-%d" % i}
        name = "view"
        if kind < 0.45:
            fields["anonymousId"] = rng.choice(visitors)
        elif kind < 0.7:
            fields["userId"] = rng.choice(users)
        elif kind < 0.93:
            fields["userId"] = rng.choice(users)
            fields["anonymousId"] = rng.choice(visitors)
            name = rng.choice(["view", "$identify"])
        else:
            name = "$alias"
            fields["userId"] = rng.choice(users)
            fields["properties"] = {"previousId": rng.choice(
                visitors + ["unseen"] + (users if rng.random() < 0.15
                                         else visitors))}
        # Few moments, so that there are many ties.
        made.append(event(name, rng.randrange(30), **fields))
    return made


def answers_do_not_depend_on_the_order():
    rng = random.Random(20260304)
    with Collector("--test", "--partition-rows", "37") as collector:
        for _ in range(6):
            events = random_events(rng, 150)
            expected = {u: journey(events, u) for u in
                        {e["userId"] for e in events if "userId" in e}}
            owners, merged = owner_map(events)
            for _ in range(2):
                rng.shuffle(events)
                for at in range(0, len(events), 29):
                    collector.send(*events[at:at + 29])
                for user, wanted in expected.items():
                    answer = journey_of(collector, user)
                    equal(ids(answer), wanted, "journey of " + user)
                    equal(set(answer.json["userIds"]), merged[user],
                          "users merged with " + user)
                for visitor in {e["anonymousId"] for e in events
                                if "anonymousId" in e}:
                    answer = collector.get("/api/v1/anonymous/" + visitor)
                    equal({e["eventId"]: e.get("resolvedUserId")
                           for e in answer.json["events"]},
                          {e["eventId"]: owners[e["eventId"]] for e in events
                           if e.get("anonymousId") == visitor},
                          "owners on " + visitor)
                equal(collector.post("/api/v1/reset", b"", key=None).status,
                      200, "reset")


def answers_survive_a_restart():
    rng = random.Random(7)
    events = random_events(rng, 300)
    with Collector("--partition-rows", "50") as collector:
        for at in range(0, len(events), 25):
            collector.send(*events[at:at + 25])
            if at in (75, 200):
                collector.restart()
        for user in {e["userId"] for e in events if "userId" in e}:
            equal(ids(journey_of(collector, user)), journey(events, user),
                  "journey of " + user)
        stats = collector.stats()
        equal(stats["events"], 300, "events")
        equal(stats["users"], len({e["userId"] for e in events
                                   if "userId" in e}), "users")
        equal(stats["visitors"], len({e["anonymousId"] for e in events
                                      if "anonymousId" in e}), "visitors")


def unknown_people_are_404():
    with Collector() as collector:
        for path in ("/api/v1/users/nobody", "/api/v1/users/nobody/journey",
                     "/api/v1/anonymous/nobody"):
            equal(collector.get(path).status, 404, path)


tap.check("a login owns what came before and after it on that device",
          login_owns_what_came_before)
tap.check("a device shared by two users merges nobody",
          shared_device_does_not_merge)
tap.check("equal times are settled by the event id",
          ties_are_settled_by_event_id)
tap.check("an alias merges users and links anonymous ids",
          alias_merges_users_and_links_visitors)
tap.check("shuffled events give the answers of an independent computation",
          answers_do_not_depend_on_the_order)
tap.check("restarts and sealed partitions change no answer",
          answers_survive_a_restart)
tap.check("unknown people are 404", unknown_people_are_404)
tap.finish()
