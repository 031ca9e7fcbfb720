/* SPDX-License-Identifier: MIT */
/*
 * Guard: request smuggling needs a head with two lengths. libmicrohttpd takes
 * the first and goes on, so we look at all of them before a byte of the body
 * is believed.
 */
#include "http/guard.h"

#include "base/text.h"

#include <microhttpd.h>
#include <stdbool.h>

struct head {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    unsigned encodings;
    bool is_length_bad;
    bool is_coding_bad;
};

static bool is_digits(struct dlr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') {
            return false;
        }
    }
    /* A length with leading zeros is read as octal by some. */
    return text.len > 0 && (text.len == 1 || text.ptr[0] != '0');
}

static enum MHD_Result look(void *self, enum MHD_ValueKind kind,
                            const char *name, const char *value)
{
    struct head *head = self;
    struct dlr_text key = dlr_text_of(name);
    struct dlr_text text = dlr_text_of(value);

    (void)kind;
    if (dlr_text_equals_nocase(key, DLR_TEXT("Host"))) {
        head->hosts++;
    } else if (dlr_text_equals_nocase(key, DLR_TEXT("Content-Length"))) {
        head->lengths++;
        head->is_length_bad = head->is_length_bad || !is_digits(text);
    } else if (dlr_text_equals_nocase(key, DLR_TEXT("Transfer-Encoding"))) {
        head->codings++;
        head->is_coding_bad =
            head->is_coding_bad ||
            !dlr_text_equals_nocase(text, DLR_TEXT("chunked"));
    } else if (dlr_text_equals_nocase(key, DLR_TEXT("Content-Encoding"))) {
        head->encodings++;
    }
    return MHD_YES;
}

const char *dld_guard_head(struct MHD_Connection *connection)
{
    struct head head = {0};

    (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, look, &head);
    if (head.hosts > 1) {
        return "the request has two Host headers";
    }
    if (head.lengths > 1) {
        return "the request has two Content-Length headers";
    }
    if (head.lengths > 0 && head.codings > 0) {
        return "the request has Content-Length and Transfer-Encoding";
    }
    if (head.is_length_bad) {
        return "Content-Length is not a number";
    }
    if (head.codings > 1 || head.is_coding_bad) {
        return "Transfer-Encoding is not \"chunked\"";
    }
    return head.encodings > 1 ? "the request has two Content-Encoding headers"
                              : NULL;
}
