/* SPDX-License-Identifier: MIT */
/*
 * Head: reads header lines.
 *
 * DESIGN
 * It runs for each line of each answer, so a line is first told by its first
 * letter; most are none of ours and cost one comparison. Everything in a line
 * is a stranger's: what does not parse is as if it were not there.
 */
#include "transport/head.h"

#include "base/number.h"
#include "base/time.h"

#include <string.h>

static void keep(struct dlr_text value, char *out, size_t cap)
{
    size_t len = value.len < cap ? value.len : cap - 1;

    if (len > 0) {
        memcpy(out, value.ptr, len);
    }
    out[len] = '\0';
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* Digits only, however many; a value beyond `max` reads as `max`. */
static bool read_digits(struct dlr_text text, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (!is_digit(text.ptr[i])) {
            return false;
        }
        if (sum < max) {
            sum = sum * 10 + (uint64_t)(text.ptr[i] - '0');
        }
    }
    *value = sum < max ? sum : max;
    return text.len > 0;
}

/* "HTTP/1.1 200 OK" */
static void read_status_line(struct dlr_head *head, struct dlr_text line)
{
    const char *space = memchr(line.ptr, ' ', line.len);
    uint64_t status = 0;

    *head = (struct dlr_head){0};
    if (space == NULL || line.ptr + line.len - space < 4) {
        return;
    }
    if (read_digits(dlr_text_n(space + 1, 3), 999, &status)) {
        head->status = (int32_t)status;
    }
}

/* The next element of a list, up to `end`; false after the last one. */
static bool next_part(struct dlr_text *rest, char end, struct dlr_text *part)
{
    const char *stop;

    if (rest->len == 0) {
        return false;
    }
    stop = memchr(rest->ptr, end, rest->len);
    if (stop == NULL) {
        *part = dlr_text_trim(*rest);
        *rest = dlr_text_n(NULL, 0);
        return true;
    }
    *part = dlr_text_trim(dlr_text_n(rest->ptr, (size_t)(stop - rest->ptr)));
    *rest = dlr_text_n(stop + 1, rest->len - (size_t)(stop - rest->ptr) - 1);
    return true;
}

/* True for "q=0", "q=0.0" and so on: the coding is listed as not wanted. */
static bool is_zero_weight(struct dlr_text parameter)
{
    if (parameter.len < 3 ||
        !dlr_text_equals_nocase(dlr_text_n(parameter.ptr, 2), DLR_TEXT("q="))) {
        return false;
    }
    for (size_t i = 2; i < parameter.len; i++) {
        if (parameter.ptr[i] != '0' && parameter.ptr[i] != '.') {
            return false;
        }
    }
    return true;
}

/* "gzip;q=0.5, deflate" */
static bool lists_gzip(struct dlr_text value)
{
    struct dlr_text coding;
    struct dlr_text part;

    while (next_part(&value, ',', &coding)) {
        bool is_gzip = next_part(&coding, ';', &part) &&
                       (dlr_text_equals_nocase(part, DLR_TEXT("gzip")) ||
                        dlr_text_equals_nocase(part, DLR_TEXT("x-gzip")));

        while (is_gzip && next_part(&coding, ';', &part)) {
            is_gzip = !is_zero_weight(part);
        }
        if (is_gzip) {
            return true;
        }
    }
    return false;
}

static void read_retry_after(struct dlr_head *head, struct dlr_text value)
{
    uint64_t seconds = 0;

    if (read_digits(value, DLR_HEAD_RETRY_AFTER_MAX_MS / 1000, &seconds)) {
        head->retry_after_s = (int64_t)seconds;
        head->has_retry_after_s = true;
    } else if (value.len < sizeof head->retry_after_date) {
        keep(value, head->retry_after_date, sizeof head->retry_after_date);
    }
}

static void read_field(struct dlr_head *head, struct dlr_text line)
{
    struct dlr_text value;
    uint64_t number = 0;

    switch (line.ptr[0] | 0x20) { /* lower case */
    case 'a':
        if (dlr_text_read_header(line, DLR_TEXT("Accept-Encoding"), &value)) {
            head->accepts_gzip = head->accepts_gzip || lists_gzip(value);
        }
        return;
    case 'd':
        if (dlr_text_read_header(line, DLR_TEXT("Date"), &value)) {
            keep(value, head->date, sizeof head->date);
        }
        return;
    case 'l':
        if (dlr_text_read_header(line, DLR_TEXT("Location"), &value)) {
            keep(value, head->location, sizeof head->location);
        }
        return;
    case 'r':
        if (dlr_text_read_header(line, DLR_TEXT("Retry-After"), &value)) {
            read_retry_after(head, value);
        }
        return;
    case 'x':
        if (dlr_text_read_header(line, DLR_TEXT("X-Datalyr-Batch"), &value) &&
            read_digits(value, UINT32_MAX, &number)) {
            head->batch_limit = (uint32_t)number;
        }
        return;
    default:
        return;
    }
}

void dlr_head_read_line(struct dlr_head *head, struct dlr_text line)
{
    while (line.len > 0 &&
           (line.ptr[line.len - 1] == '\n' || line.ptr[line.len - 1] == '\r')) {
        line.len--;
    }
    if (line.len == 0) {
        /* 100 Continue and its like come before the answer. */
        head->is_complete = head->status >= 200;
        return;
    }
    if (dlr_text_starts_with(line, DLR_TEXT("HTTP/"))) {
        read_status_line(head, line);
        return;
    }
    /* Trailers come after the body, when the decision may be under way. */
    if (!head->is_complete) {
        read_field(head, line);
    }
}

static int64_t limit(int64_t wait_ms)
{
    if (wait_ms < 0) {
        return 0;
    }
    return wait_ms < DLR_HEAD_RETRY_AFTER_MAX_MS ? wait_ms
                                                 : DLR_HEAD_RETRY_AFTER_MAX_MS;
}

int64_t dlr_head_retry_after_ms(const struct dlr_head *head, int64_t now_ms)
{
    int64_t from_ms = now_ms;
    int64_t until_ms;

    if (head->has_retry_after_s) {
        return limit(head->retry_after_s * 1000);
    }
    if (head->retry_after_date[0] == '\0' ||
        !dlr_time_parse_http(dlr_text_of(head->retry_after_date), now_ms,
                             &until_ms)) {
        return -1;
    }
    if (!dlr_time_parse_http(dlr_text_of(head->date), now_ms, &from_ms)) {
        from_ms = now_ms;
    }
    return limit(until_ms - from_ms);
}
