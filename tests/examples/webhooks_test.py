# SPDX-License-Identifier: MIT
"""The webhook servers check signatures, answer, and track what is a purchase;
with the providers' own samples where they are at hand."""
import base64
import copy
import glob
import hashlib
import hmac
import http.client
import json
import os
import time

from example import (Collector, Service, SHARED, Skip, Tap, all_events, equal,
                     ledger, one_event, true)

SECRET = "whsec_for_the_tests"

CHECKOUT = {
    "id": "evt_1", "type": "checkout.session.completed", "created": 1700000000,
    "data": {"object": {
        "id": "cs_1", "mode": "payment", "payment_status": "paid",
        "amount_total": 4999, "currency": "usd",
        "client_reference_id": "user_123", "customer": "cus_9",
        "customer_details": {"email": "ada@example.com"}}}}

ORDER = {
    "id": 820982911946154508, "total_price": "359.97", "currency": "USD",
    "email": "jon@example.com", "created_at": "2021-12-31T19:00:00-05:00",
    "customer": {"id": 1, "email": "john@example.com"},
    "line_items": [{"product_id": 788032119674292922, "quantity": 1},
                   {"product_id": 788032119674292923, "quantity": 2}]}


class Webhook(Service):
    def __init__(self, collector, kind):
        super().__init__(collector, kind + "_webhook", "0",
                         **{kind.upper() + "_WEBHOOK_SECRET": SECRET})
        true(self.first_line.startswith("http://"),
             "no address: " + self.first_line)
        self.port = int(self.first_line.split(":")[2].split("/")[0])
        self.path = "/webhook/" + kind

    def post(self, body, headers, path=None, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request(method, path or self.path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, text


def to_bytes(body):
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def mac(secret, text):
    return hmac.new(secret.encode(), text, hashlib.sha256)


def stripe_headers(body, secret=SECRET, at=None, before=""):
    stamp = int(time.time()) if at is None else at
    signature = mac(secret, b"%d.%s" % (stamp, body)).hexdigest()
    return {"Stripe-Signature": "t=%d,%sv1=%s" % (stamp, before, signature)}


def shopify_headers(body, secret=SECRET):
    digest = mac(secret, body).digest()
    return {"X-Shopify-Hmac-Sha256": base64.b64encode(digest).decode()}


def stripe_send(service, *events):
    for event in events:
        body = to_bytes(event)
        equal(service.post(body, stripe_headers(body)),
              (200, b'{"received":true}'), "answer")


def shopify_send(service, *orders):
    for order in orders:
        body = to_bytes(order)
        equal(service.post(body, shopify_headers(body)),
              (200, b'{"received":true}'), "answer")


def checkout(**session):
    event = copy.deepcopy(CHECKOUT)
    event["id"] = "evt_" + "-".join(sorted(session))
    event["data"]["object"].update(session)
    return event


def stripe_tracks_a_purchase():
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            stripe_send(service, CHECKOUT)
            equal(service.stop(), ledger(1), "ledger")
        event = one_event(collector)
        equal((event["userId"], event["event"], event["eventId"],
               event["timestamp"]),
              ("user_123", "purchase", "evt_1", "2023-11-14T22:13:20.000Z"),
              "event")
        equal(event["properties"],
              {"revenue": 49.99, "currency": "usd", "order_id": "cs_1",
               "payment_method": "stripe"}, "properties")


def stripe_falls_back_on_who_paid():
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            stripe_send(service,
                        checkout(client_reference_id=None),
                        checkout(client_reference_id=None, customer=None))
            equal(service.stop(), ledger(2), "ledger")
        equal({event["userId"] for event in all_events(collector)},
              {"cus_9", "ada@example.com"}, "users")


def stripe_counts_a_redelivery_once():
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            stripe_send(service, CHECKOUT, CHECKOUT)
            equal(service.stop(), ledger(2, duplicates=1), "ledger")
        one_event(collector)


def stripe_tracks_only_what_is_paid():
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            stripe_send(service, checkout(payment_status="unpaid"),
                        checkout(amount_total=None, currency=None),
                        {"type": "customer.created", "data": {"object": {}}},
                        {"type": "checkout.session.completed"}, [1], b"{")
            stripe_send(service, {**checkout(),
                                  "type":
                                  "checkout.session.async_payment_succeeded"})
            equal(service.stop(), ledger(1), "ledger")


def stripe_knows_currencies_without_cents():
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            for currency, amount in (("jpy", 3000), ("kwd", 3000),
                                     ("eur", 3000)):
                stripe_send(service, {
                    **checkout(currency=currency, amount_total=amount),
                    "id": currency})
            service.stop()
        equal({event["eventId"]: event["properties"]["revenue"]
               for event in all_events(collector)},
              {"jpy": 3000, "kwd": 3, "eur": 30}, "revenue")


def stripe_refuses_what_is_not_signed():
    body = to_bytes(CHECKOUT)
    now = int(time.time())
    good = stripe_headers(body)["Stripe-Signature"]
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            for headers in ({}, {"Stripe-Signature": ""},
                            {"Stripe-Signature": "t=,v1="},
                            {"Stripe-Signature": good[:-1]},
                            {"Stripe-Signature": good + "0"},
                            {"Stripe-Signature": good.replace("v1=", "v0=")},
                            stripe_headers(body, secret="whsec_other"),
                            stripe_headers(body, at=now - 3600),
                            stripe_headers(body, at=now + 3600),
                            stripe_headers(body + b" ")):
                equal(service.post(body, headers)[0], 400,
                      "status for %r" % headers)
            rotated = stripe_headers(body, before="v1=%s," % ("0" * 64))
            equal(service.post(body, rotated)[0], 200,
                  "status while a secret is replaced")
            equal(service.post(body, {}, path="/")[0], 404, "another path")
            equal(service.post(b"", {}, method="GET")[0], 405, "GET")
            equal(service.post(b"x" * (2 << 20), {})[0], 413, "2 MiB")
            equal(service.stop(), ledger(1), "ledger")


def stripe_takes_real_payloads():
    paths = sorted(glob.glob(os.path.join(
        SHARED, "data", "webhooks", "stripe", "events", "*.json")))
    if not paths:
        raise Skip("../shared/data is not here")
    with Collector() as collector:
        with Webhook(collector, "stripe") as service:
            for path in paths:
                with open(path, "rb") as file:
                    stripe_send(service, file.read())
            end = service.stop()
        # Of the three checkouts one only stores a card.
        equal(len(paths), 88, "payloads")
        equal(end["accepted"], 2, "purchases")
        equal(end["delivered"], 2, "purchases delivered")
        for event in all_events(collector):
            equal(event["event"], "purchase", "event")
            true(event["userId"].startswith("cus_")
                 or "@" in event["userId"], "user " + event["userId"])
            true(event["properties"]["revenue"] > 0, "revenue")


def shopify_tracks_a_purchase():
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, ORDER)
            equal(service.stop(), ledger(1), "ledger")
        event = one_event(collector)
        equal((event["userId"], event["event"], event["eventId"],
               event["timestamp"]),
              ("john@example.com", "purchase",
               "shopify-order-820982911946154508",
               "2022-01-01T00:00:00.000Z"), "event")
        equal(event["properties"],
              {"order_id": 820982911946154508, "revenue": 359.97,
               "currency": "USD", "products": [788032119674292922,
                                               788032119674292923],
               "quantity": 3}, "properties")


def shopify_keeps_large_ids():
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, {**ORDER, "id": 2 ** 80 + 1})
            service.stop()
        true(b'"order_id":%d' % (2 ** 80 + 1)
             in collector.get("/api/v1/events", user="john@example.com").body,
             "the id is not there digit for digit")


def shopify_leaves_out_what_is_no_price():
    prices = ["0.00", "1200", "example string", "", None, "1,20", "-3", "007",
              "1e9", "5."]
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, *[{**ORDER, "id": at, "total_price": price}
                                    for at, price in enumerate(prices)])
            equal(service.stop(), ledger(len(prices)), "ledger")
        found = {event["eventId"]: event["properties"].get("revenue")
                 for event in all_events(collector)}
        equal([found["shopify-order-%d" % at] for at in range(len(prices))],
              [0, 1200] + [None] * 8, "revenue")


def shopify_finds_the_buyer():
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, {**ORDER, "id": 1, "customer": None},
                         {**ORDER, "id": 2, "customer": None, "email": ""})
            equal(service.stop(), ledger(1), "ledger")
            true("nobody" in service.err, "not said in: " + service.err)
        equal(one_event(collector)["userId"], "jon@example.com", "user")


def shopify_counts_a_redelivery_once():
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, ORDER, ORDER)
            equal(service.stop(), ledger(2, duplicates=1), "ledger")
        one_event(collector)


def shopify_refuses_what_is_not_signed():
    body = to_bytes(ORDER)
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            good = shopify_headers(body)["X-Shopify-Hmac-Sha256"]
            for signature in (None, "", good[:-2] + "A=", good + "=",
                              mac(SECRET, body).hexdigest()):
                headers = {} if signature is None else {
                    "X-Shopify-Hmac-Sha256": signature}
                equal(service.post(body, headers)[0], 400,
                      "status for %r" % signature)
            equal(service.post(body, shopify_headers(body, "other"))[0], 400,
                  "status for another secret")
            equal(service.stop(), ledger(0), "ledger")


def shopify_takes_real_payloads():
    folder = os.path.join(SHARED, "data", "webhooks", "shopify")
    sample = os.path.join(folder, "docs-2025-10", "orders", "create.json")
    if not os.path.exists(sample):
        raise Skip("../shared/data is not here")
    with open(sample, encoding="utf-8") as file:
        order = json.load(file)["response"]
    skeletons = sorted(glob.glob(os.path.join(
        folder, "skeletons", "*", "orders", "*.json")))
    with Collector() as collector:
        with Webhook(collector, "shopify") as service:
            shopify_send(service, order)
            for path in skeletons:
                with open(path, "rb") as file:
                    shopify_send(service, file.read())
            end = service.stop()
        equal(end["delivered"], end["accepted"], "delivered")
        equal(end["rejected"], 0, "refused; " + service.err)
        found = {event["eventId"]: event for event in all_events(collector)}
        event = found["shopify-order-%d" % order["id"]]
        equal(event["properties"]["revenue"], 359.97, "revenue")
        equal(event["properties"]["order_id"], 820982911946154500, "order")
        equal(event["properties"]["quantity"], 3, "quantity")
        equal(event["timestamp"], "2022-01-01T00:00:00.000Z", "time")


def main():
    tap = Tap()
    tap.check("stripe: a paid checkout is a purchase with Stripe's id and time",
              stripe_tracks_a_purchase)
    tap.check("stripe: without a reference the customer is who bought",
              stripe_falls_back_on_who_paid)
    tap.check("stripe: an event delivered twice counts once",
              stripe_counts_a_redelivery_once)
    tap.check("stripe: only what is paid is a purchase",
              stripe_tracks_only_what_is_paid)
    tap.check("stripe: currencies without cents are not divided",
              stripe_knows_currencies_without_cents)
    tap.check("stripe: what is not signed, or long ago, is refused",
              stripe_refuses_what_is_not_signed)
    tap.check("stripe: all 88 published events are answered, 2 are purchases",
              stripe_takes_real_payloads)
    tap.check("shopify: an order is a purchase with the order's id and time",
              shopify_tracks_a_purchase)
    tap.check("shopify: ids beyond any integer type survive",
              shopify_keeps_large_ids)
    tap.check("shopify: a text that is no price is left out",
              shopify_leaves_out_what_is_no_price)
    tap.check("shopify: the order's email stands in for a missing customer",
              shopify_finds_the_buyer)
    tap.check("shopify: an order delivered twice counts once",
              shopify_counts_a_redelivery_once)
    tap.check("shopify: what is not signed is refused",
              shopify_refuses_what_is_not_signed)
    tap.check("shopify: published samples are taken",
              shopify_takes_real_payloads)
    tap.finish()


if __name__ == "__main__":
    main()
