/* SPDX-License-Identifier: MIT */
/*
 * Verdict: from an answer to a decision.
 *
 * DESIGN
 * The table is the vendor's, with one difference: a redirect is a failure that
 * is tried again, since following it turns a POST into a GET and loses the
 * event. Statuses that nobody has defined yet count by their hundred.
 *
 * A server that lists rejected events is believed only as far as the list makes
 * sense for this batch. The other way round would let a broken server drop
 * events that it has stored.
 */
#include "transport/verdict.h"

#include "base/escape.h"
#include "base/json_check.h"
#include "base/json_read.h"
#include "base/mem.h"

#define REASON_CAP 160

/* 256 UTF-16 units, the longest id, in UTF-8. */
#define EVENT_ID_CAP 1024

static enum dlr_verdict judge_client_error(int32_t status)
{
    switch (status) {
    case 408:
    case 429:
        return DLR_VERDICT_RETRY;
    case 400:
    case 413:
    case 422:
        return DLR_VERDICT_REFUSED;
    case 401:
    case 403:
        return DLR_VERDICT_UNAUTHORIZED;
    default:
        return DLR_VERDICT_MISCONFIGURED;
    }
}

enum dlr_verdict dlr_verdict_of(const struct dlr_request *request)
{
    int32_t status = request->answer.http_status;

    if (status >= 200 && status < 300) {
        bool is_cut_batch =
            request->batch_size > 0 && request->answer.system_code != 0;

        return is_cut_batch ? DLR_VERDICT_RETRY : DLR_VERDICT_DELIVERED;
    }
    if (status >= 400 && status < 500) {
        return judge_client_error(status);
    }
    return DLR_VERDICT_RETRY;
}

bool dlr_verdict_holds_host(const struct dlr_answer *answer)
{
    return answer->retry_after_ms >= 0 &&
           (answer->http_status == 429 || answer->http_status == 503);
}

static uint64_t read_count(struct dlr_json_value root, struct dlr_text name,
                           uint32_t event_count)
{
    int64_t count = 0;

    if (!dlr_json_to_int64(dlr_json_get(root, name), &count) || count < 0) {
        return 0;
    }
    return count < event_count ? (uint64_t)count : event_count;
}

/* Which indexes were named already: a bit each. */
struct seen {
    unsigned char *bits;
    uint32_t count;
};

/* The index of an element of `rejected`, if it is one of this batch and is
 * named for the first time. */
static bool take_index(struct seen *seen, struct dlr_json_value element,
                       uint32_t *index)
{
    int64_t number = -1;
    unsigned char bit;

    if (!dlr_json_to_int64(dlr_json_get(element, DLR_TEXT("index")), &number) ||
        number < 0 || number >= (int64_t)seen->count) {
        return false;
    }
    bit = (unsigned char)(1u << (number & 7));
    if ((seen->bits[number >> 3] & bit) != 0) {
        return false;
    }
    seen->bits[number >> 3] |= bit;
    *index = (uint32_t)number;
    return true;
}

/* Room for what is said about one event. */
struct memory {
    char event_id[EVENT_ID_CAP];
    char plain_error[REASON_CAP * 4];
    char error[REASON_CAP];
};

static struct dlr_text decode(struct dlr_json_value string, char *storage,
                              size_t cap)
{
    struct dlr_buf buf;

    dlr_buf_init_fixed(&buf, storage, cap);
    return dlr_json_decode(string, &buf) ? dlr_buf_text(&buf)
                                         : dlr_text_n(storage, 0);
}

static void read_texts(struct dlr_json_value element, struct memory *memory,
                       struct dlr_rejection *rejection)
{
    struct dlr_text error =
        decode(dlr_json_get(element, DLR_TEXT("error")), memory->plain_error,
               sizeof memory->plain_error);

    rejection->event_id = decode(dlr_json_get(element, DLR_TEXT("eventId")),
                                 memory->event_id, sizeof memory->event_id);
    rejection->error =
        dlr_text_n(memory->error,
                   dlr_escape_copy(error, memory->error, sizeof memory->error));
}

static uint64_t
read_rejected(struct dlr_json_value list, struct seen *seen,
              void (*reject)(void *self, const struct dlr_rejection *rejection),
              void *self)
{
    struct dlr_json_iter iter = dlr_json_iterate(list);
    struct dlr_json_value element;
    struct dlr_rejection rejection;
    struct memory memory;
    uint64_t count = 0;

    while (dlr_json_next_element(&iter, &element)) {
        if (!take_index(seen, element, &rejection.index)) {
            continue;
        }
        count++;
        if (reject != NULL) {
            read_texts(element, &memory, &rejection);
            reject(self, &rejection);
        }
    }
    return count;
}

datalyr_status dlr_verdict_read_body(
    const struct dlr_answer *answer, uint32_t event_count,
    void (*reject)(void *self, const struct dlr_rejection *rejection),
    void *self, struct dlr_verdict_counts *counts)
{
    struct dlr_text body = dlr_buf_text(&answer->body);
    struct seen seen = {.count = event_count};
    struct dlr_json_value root;
    struct dlr_json_value list;

    *counts = (struct dlr_verdict_counts){0};
    if (answer->is_truncated ||
        !dlr_json_check_object(body, DLR_JSON_DEPTH, NULL)) {
        return DATALYR_OK;
    }
    root = dlr_json_root(body);
    counts->accepted = read_count(root, DLR_TEXT("accepted"), event_count);
    counts->duplicates = read_count(root, DLR_TEXT("duplicates"), event_count);
    list = dlr_json_get(root, DLR_TEXT("rejected"));
    if (list.type != DLR_JSON_ARRAY || list.text.len < sizeof "[{}]" - 1) {
        return DATALYR_OK; /* the usual case: none, and nothing to allocate */
    }
    seen.bits = dlr_calloc((size_t)event_count / 8 + 1, 1);
    if (seen.bits == NULL) {
        return DATALYR_NOMEM;
    }
    counts->rejected = read_rejected(list, &seen, reject, self);
    dlr_free(seen.bits);
    return DATALYR_OK;
}
