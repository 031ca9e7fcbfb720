/* SPDX-License-Identifier: MIT */
/*
 * Guard: request smuggling needs a head with two lengths. libmicrohttpd takes
 * the first and goes on, so we look at all of them before a byte of the body
 * is believed. A name that is no token ("Content-Length ") is refused for the
 * same reason: a server in front of us may have read it as the length.
 */
#include "http/guard.h"

#include "base/text.h"

#include <microhttpd.h>
#include <stdbool.h>
#include <string.h>

struct head {
    unsigned hosts;
    unsigned lengths;
    unsigned codings;
    unsigned encodings;
    bool is_length_bad;
    bool is_coding_bad;
    bool is_name_bad;
    bool is_value_bad;
};

static bool is_token(struct dlr_text name)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

        if (!is_letter && (c < '0' || c > '9') &&
            memchr(others, c, sizeof others - 1) == NULL) {
            return false;
        }
    }
    return name.len > 0;
}

static bool has_controls(struct dlr_text value)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];

        if ((c < ' ' && c != '\t') || c == 0x7f) {
            return true;
        }
    }
    return false;
}

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
                            const char *name, size_t name_len,
                            const char *value, size_t value_len)
{
    struct head *head = self;
    struct dlr_text key = dlr_text_n(name, name_len);
    struct dlr_text text = dlr_text_n(value, value == NULL ? 0 : value_len);

    (void)kind;
    head->is_name_bad = head->is_name_bad || !is_token(key);
    head->is_value_bad = head->is_value_bad || has_controls(text);
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

    (void)MHD_get_connection_values_n(connection, MHD_HEADER_KIND, look, &head);
    if (head.is_name_bad) {
        return "the name of a header is none";
    }
    if (head.is_value_bad) {
        return "a header holds a control character";
    }
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
