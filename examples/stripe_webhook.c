/* SPDX-License-Identifier: MIT */
/*
 * Stripe webhook: a paid checkout becomes a purchase.
 *
 *   STRIPE_WEBHOOK_SECRET=whsec_… stripe_webhook [PORT]
 *
 * Beyond the sample of the vendor's page:
 *   - the signature is checked, or anybody could send purchases;
 *   - Stripe delivers some events twice, and hours late after an outage: the
 *     event id is Stripe's and so is the time, so it counts once, where it
 *     belongs;
 *   - client_reference_id is null unless the checkout was made with one; then
 *     the customer is who bought, or else the email address;
 *   - not every completed checkout is a purchase: it may only store a card
 *     (mode setup, no amount), or not be paid yet;
 *   - amounts are in the currency's smallest unit, which is not always a
 *     hundredth.
 */
#include "webhook_server.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <yyjson.h>

#define TOLERANCE_SECONDS 300
#define HEX_DIGITS        (2 * WEBHOOK_DIGEST_BYTES)

/* ----------------------------------------------------------- signature */

static void write_hex(const unsigned char digest[WEBHOOK_DIGEST_BYTES],
                      char hex[HEX_DIGITS + 1])
{
    for (size_t i = 0; i < WEBHOOK_DIGEST_BYTES; i++) {
        (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
}

/* Is one of the signatures "v1=…" in the header this one? There are several
 * while a secret is being replaced. Compared in constant time, so that nobody
 * can guess it digit by digit. */
static bool has_signature(const char *header, const char hex[HEX_DIGITS + 1])
{
    for (const char *at = strstr(header, "v1="); at != NULL;
         at = strstr(at + 3, "v1=")) {
        if (strcspn(at + 3, ",") == HEX_DIGITS &&
            CRYPTO_memcmp(at + 3, hex, HEX_DIGITS) == 0) {
            return true;
        }
    }
    return false;
}

/* Stripe-Signature: t=1492774577,v1=5257a869…; signed is "t.body". The time is
 * part of it, so that an old request cannot be sent again. */
static bool is_genuine(const struct webhook_request *request,
                       const char *secret)
{
    unsigned char digest[WEBHOOK_DIGEST_BYTES];
    char hex[HEX_DIGITS + 1];
    char prefix[32];
    const char *stamp;
    long long seconds;
    char *end;

    if (request->signature == NULL) {
        return false;
    }
    stamp = strstr(request->signature, "t=");
    if (stamp == NULL) {
        return false;
    }
    seconds = strtoll(stamp + 2, &end, 10);
    if (end == stamp + 2 ||
        llabs((long long)time(NULL) - seconds) > TOLERANCE_SECONDS) {
        return false;
    }
    (void)snprintf(prefix, sizeof prefix, "%lld.", seconds);
    if (!webhook_digest(secret, prefix, request, digest)) {
        return false;
    }
    write_hex(digest, hex);
    return has_signature(request->signature, hex);
}

/* ------------------------------------------------------------ purchase */

static const char *text_at(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));

    return text == NULL || text[0] == '\0' ? NULL : text;
}

static const char *buyer_of(yyjson_val *session)
{
    const char *id = text_at(session, "client_reference_id");

    if (id == NULL) {
        id = text_at(session, "customer");
    }
    if (id == NULL) {
        id = text_at(yyjson_obj_get(session, "customer_details"), "email");
    }
    return id;
}

/* 3000 usd are 30.00, 3000 jpy are 3000, and 3000 kwd are 3.000. */
static double amount_in(const char *currency, double smallest_units)
{
    static const char whole[] =
        " bif clp djf gnf jpy kmf krw mga pyg rwf ugx vnd vuv xaf xof xpf ";
    static const char thousands[] = " bhd jod kwd omr tnd ";
    char word[8];

    (void)snprintf(word, sizeof word, " %.3s ", currency);
    if (strstr(whole, word) != NULL) {
        return smallest_units;
    }
    return smallest_units / (strstr(thousands, word) != NULL ? 1000 : 100);
}

static bool is_paid_checkout(yyjson_val *event, yyjson_val *session)
{
    const char *type = text_at(event, "type");
    const char *payment = text_at(session, "payment_status");

    return type != NULL && payment != NULL && strcmp(payment, "unpaid") != 0 &&
           (strcmp(type, "checkout.session.completed") == 0 ||
            strcmp(type, "checkout.session.async_payment_succeeded") == 0) &&
           yyjson_is_num(yyjson_obj_get(session, "amount_total")) &&
           text_at(session, "currency") != NULL;
}

static void track_purchase(datalyr_client *client, yyjson_val *event,
                           yyjson_val *session)
{
    const char *currency = text_at(session, "currency");
    double units = yyjson_get_num(yyjson_obj_get(session, "amount_total"));
    datalyr_error error;
    datalyr_event purchase = {
        DATALYR_EVENT_INIT,
        .user_id = buyer_of(session),
        .event = "purchase",
        .event_id = text_at(event, "id"),
        .timestamp_ms =
            yyjson_get_sint(yyjson_obj_get(event, "created")) * 1000,
        .properties =
            DATALYR_OBJECT({"revenue", DATALYR(amount_in(currency, units))},
                           {"currency", DATALYR(currency)},
                           {"order_id", DATALYR(text_at(session, "id"))},
                           {"payment_method", DATALYR("stripe")}),
    };

    if (datalyr_track_e(client, &purchase, &error) != DATALYR_OK) {
        fprintf(stderr, "stripe_webhook: %s\n", error.message);
    }
}

/* Runs when Stripe has its answer. */
static void handle(const struct webhook_request *request,
                   datalyr_client *client)
{
    yyjson_doc *document = yyjson_read(request->body, request->len, 0);
    yyjson_val *event = yyjson_doc_get_root(document);
    yyjson_val *session =
        yyjson_obj_get(yyjson_obj_get(event, "data"), "object");

    if (is_paid_checkout(event, session)) {
        track_purchase(client, event, session);
    }
    yyjson_doc_free(document);
}

int main(int argc, char **argv)
{
    static const struct webhook webhook = {
        .path = "/webhook/stripe",
        .secret_name = "STRIPE_WEBHOOK_SECRET",
        .signature_header = "Stripe-Signature",
        .is_genuine = is_genuine,
        .handle = handle,
    };

    return webhook_main(&webhook, argc, argv);
}
