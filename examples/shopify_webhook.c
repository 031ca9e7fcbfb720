/* SPDX-License-Identifier: MIT */
/*
 * Shopify webhook: a new order becomes a purchase (topic orders/create).
 *
 *   SHOPIFY_WEBHOOK_SECRET=… shopify_webhook [PORT]
 *
 * Beyond the sample of the vendor's page:
 *   - the signature is checked: base64 of the HMAC of the body;
 *   - Shopify's ids are above 2^53, where a double, and so JavaScript, rounds
 *     (…508 becomes …500). Numbers are handled as their digits here, and the
 *     collector keeps digits too;
 *   - prices are texts ("359.97"). They become numbers without being read as
 *     one, so no cent is lost; a text that is no price is left out;
 *   - an order without a customer has an email address or nothing; with nothing
 *     it cannot be anybody's event;
 *   - the same order delivered twice is one purchase: the event id is made from
 *     the order's id, and the time is the order's.
 */
#include "webhook_server.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define BASE64_MAX 64

static bool is_genuine(const struct webhook_request *request,
                       const char *secret)
{
    unsigned char digest[WEBHOOK_DIGEST_BYTES];
    unsigned char expected[BASE64_MAX];
    int len;

    if (request->signature == NULL ||
        !webhook_digest(secret, "", request, digest)) {
        return false;
    }
    len = EVP_EncodeBlock(expected, digest, sizeof digest);
    return len > 0 && strlen(request->signature) == (size_t)len &&
           CRYPTO_memcmp(request->signature, expected, (size_t)len) == 0;
}

/* ------------------------------------------------------------ purchase */

static const char *text_at(yyjson_val *object, const char *name)
{
    const char *text = yyjson_get_str(yyjson_obj_get(object, name));

    return text == NULL || text[0] == '\0' ? NULL : text;
}

/* A number's digits as they came; "" if it is none. */
static const char *digits_at(yyjson_val *object, const char *name)
{
    const char *digits = yyjson_get_raw(yyjson_obj_get(object, name));

    return digits == NULL ? "" : digits;
}

static const char *buyer_of(yyjson_val *order)
{
    const char *email = text_at(yyjson_obj_get(order, "customer"), "email");

    return email == NULL ? text_at(order, "email") : email;
}

/* Digits, and perhaps a point and more digits. */
static bool is_price(const char *text)
{
    size_t whole = strspn(text, "0123456789");
    size_t cents;

    if (whole == 0 || (text[0] == '0' && whole > 1)) {
        return false;
    }
    if (text[whole] == '\0') {
        return true;
    }
    cents = strspn(text + whole + 1, "0123456789");
    return text[whole] == '.' && cents > 0 && text[whole + 1 + cents] == '\0';
}

static void put_products(yyjson_mut_doc *made, yyjson_mut_val *properties,
                         yyjson_val *line_items)
{
    yyjson_mut_val *products = yyjson_mut_arr(made);
    long long quantity = 0;
    yyjson_val *item;
    char *end;
    size_t i;
    size_t count;

    yyjson_arr_foreach(line_items, i, count, item)
    {
        (void)yyjson_mut_arr_append(
            products,
            yyjson_val_mut_copy(made, yyjson_obj_get(item, "product_id")));
        quantity += strtoll(digits_at(item, "quantity"), &end, 10);
    }
    (void)yyjson_mut_obj_add_val(made, properties, "products", products);
    (void)yyjson_mut_obj_add_sint(made, properties, "quantity", quantity);
}

/* The event as datalyr_track_json() takes it; free() it. */
static char *make_purchase(yyjson_val *order, const char *buyer, size_t *len)
{
    yyjson_mut_doc *made = yyjson_mut_doc_new(NULL);
    yyjson_mut_val *event = yyjson_mut_obj(made);
    yyjson_mut_val *properties = yyjson_mut_obj(made);
    const char *price = text_at(order, "total_price");
    char event_id[64];
    char *text;

    (void)snprintf(event_id, sizeof event_id, "shopify-order-%s",
                   digits_at(order, "id"));
    (void)yyjson_mut_obj_add_str(made, event, "event", "purchase");
    (void)yyjson_mut_obj_add_str(made, event, "userId", buyer);
    (void)yyjson_mut_obj_add_strcpy(made, event, "eventId", event_id);
    if (text_at(order, "created_at") != NULL) {
        (void)yyjson_mut_obj_add_str(made, event, "timestamp",
                                     text_at(order, "created_at"));
    }
    (void)yyjson_mut_obj_add_val(
        made, properties, "order_id",
        yyjson_val_mut_copy(made, yyjson_obj_get(order, "id")));
    if (price != NULL && is_price(price)) {
        (void)yyjson_mut_obj_add_val(made, properties, "revenue",
                                     yyjson_mut_raw(made, price));
    }
    (void)yyjson_mut_obj_add_val(
        made, properties, "currency",
        yyjson_val_mut_copy(made, yyjson_obj_get(order, "currency")));
    put_products(made, properties, yyjson_obj_get(order, "line_items"));
    (void)yyjson_mut_obj_add_val(made, event, "properties", properties);
    text = yyjson_mut_val_write(event, YYJSON_WRITE_NOFLAG, len);
    yyjson_mut_doc_free(made);
    return text;
}

/* Runs when Shopify has its answer. */
static void handle(const struct webhook_request *request,
                   datalyr_client *client)
{
    yyjson_doc *document =
        yyjson_read(request->body, request->len, YYJSON_READ_NUMBER_AS_RAW);
    yyjson_val *order = yyjson_doc_get_root(document);
    const char *buyer = buyer_of(order);
    datalyr_error error = {.message = "an order of nobody, or no memory"};
    size_t len = 0;
    char *text = buyer == NULL ? NULL : make_purchase(order, buyer, &len);

    if (text == NULL ||
        datalyr_track_json(client, text, len, &error) != DATALYR_OK) {
        fprintf(stderr, "shopify_webhook: %s\n", error.message);
    }
    free(text);
    yyjson_doc_free(document);
}

int main(int argc, char **argv)
{
    static const struct webhook webhook = {
        .path = "/webhook/shopify",
        .secret_name = "SHOPIFY_WEBHOOK_SECRET",
        .signature_header = "X-Shopify-Hmac-Sha256",
        .is_genuine = is_genuine,
        .handle = handle,
    };

    return webhook_main(&webhook, argc, argv);
}
