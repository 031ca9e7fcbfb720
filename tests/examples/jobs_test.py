# SPDX-License-Identifier: MIT
"""The jobs: an order queue that may be run again, and a bulk import."""
import json

from example import (Collector, Run, Tap, arrived, equal, ledger, one_event,
                     true)


def write(collector, name, *lines):
    with open(collector.folder + "/" + name, "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line if isinstance(line, str) else json.dumps(line))
            file.write("\n")


def order(number, status="paid"):
    return {"id": "o%d" % number, "userId": "user_%d" % (number % 3),
            "status": status, "total": number + 0.25}


def orders_arrive():
    with Collector() as collector:
        write(collector, "orders", *[order(n) for n in range(30)])
        run = Run(collector, "order_queue", "orders")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(30), "ledger")
        equal(sorted(arrived(collector, "userId", "event",
                             "properties.order_id", "properties.status",
                             "properties.total")),
              sorted(("user_%d" % (n % 3), "order_processed", "o%d" % n,
                      "paid", n + 0.25) for n in range(30)), "events")


def orders_of_a_second_run_count_once():
    with Collector() as collector:
        write(collector, "orders", *[order(n) for n in range(30)])
        Run(collector, "order_queue", "orders")
        again = Run(collector, "order_queue", "orders")
        equal(again.code, 0, "exit code; " + again.err)
        equal(again.ledger, ledger(30, duplicates=30), "ledger")
        write(collector, "orders", order(7, "shipped"))
        Run(collector, "order_queue", "orders")
        equal(collector.stats()["events"], 31, "events stored")


def orders_are_not_acknowledged_unless_they_arrived():
    with Collector() as collector:
        write(collector, "orders", order(1))
        run = Run(collector, "order_queue", "orders", DATALYR_API_KEY="dk_no")
        equal(run.code, 1, "exit code")
        equal(run.ledger, ledger(1, delivered=0, dropped=1), "ledger")
        equal(collector.stats()["events"], 0, "events stored")


def a_bad_order_does_not_stop_the_others():
    with Collector() as collector:
        write(collector, "orders", order(1), '{"id":', '{"id":"o2"}', order(3))
        run = Run(collector, "order_queue", "orders")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(2, rejected=1), "ledger")
        true("line 2" in run.err and "line 3" in run.err,
             "lines are not named in: " + run.err)


def bulk_import_takes_ten_thousand_lines():
    with Collector() as collector:
        write(collector, "history",
              *[{"userId": "u%d" % (n % 50), "eventName": "seen",
                 "properties": {"n": n}, "timestamp": 1600000000 + n}
                for n in range(10000)])
        run = Run(collector, "bulk_import", "history")
        equal(run.code, 0, "exit code; " + run.err)
        equal(run.ledger, ledger(10000), "ledger")
        equal(collector.stats()["events"], 10000, "events stored")
        equal(collector.stats()["users"], 50, "users")
        again = Run(collector, "bulk_import", "history")
        equal(again.ledger, ledger(10000, duplicates=10000),
              "ledger of a second run")


def bulk_import_keeps_every_digit():
    with Collector() as collector:
        write(collector, "history",
              '{"userId":"u","eventName":"e","timestamp":'
              '"2020-02-29T12:00:00+02:00","properties":'
              '{"id":820982911946154508,"price":10.10,"deep":{"x":1E+2}}}')
        run = Run(collector, "bulk_import", "history")
        equal(run.ledger, ledger(1), "ledger; " + run.err)
        body = collector.get("/api/v1/events", user="u").body
        for text in (b'"id":820982911946154508', b'"price":10.10',
                     b'"deep":{"x":1E+2}'):
            true(text in body, "%r is not in %r" % (text, body))
        equal(one_event(collector)["timestamp"], "2020-02-29T10:00:00.000Z",
              "time")


def bulk_import_names_bad_lines_and_goes_on():
    with Collector() as collector:
        write(collector, "history", '{"userId":"a","eventName":"e"}', "[1]",
              '{"eventName":"whose"}', '{"userId":"b","eventName":"e"}')
        run = Run(collector, "bulk_import", "history")
        equal(run.code, 1, "exit code")
        equal(run.ledger, ledger(2, rejected=1), "ledger")
        equal([line.split(" ")[1] for line in run.err.splitlines()],
              ["history:2:", "history:3:"], "places named")
        equal(sorted(arrived(collector, "userId")), [("a",), ("b",)], "events")


def main():
    tap = Tap()
    tap.check("order queue: orders arrive", orders_arrive)
    tap.check("order queue: a second run on the same orders counts once",
              orders_of_a_second_run_count_once)
    tap.check("order queue: what did not arrive is not acknowledged",
              orders_are_not_acknowledged_unless_they_arrived)
    tap.check("order queue: a bad order does not stop the others",
              a_bad_order_does_not_stop_the_others)
    tap.check("bulk import: 10,000 lines arrive, once over two runs",
              bulk_import_takes_ten_thousand_lines)
    tap.check("bulk import: numbers keep every digit",
              bulk_import_keeps_every_digit)
    tap.check("bulk import: bad lines are named and skipped",
              bulk_import_names_bad_lines_and_goes_on)
    tap.finish()


if __name__ == "__main__":
    main()
