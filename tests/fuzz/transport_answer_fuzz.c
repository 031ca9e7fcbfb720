/* SPDX-License-Identifier: MIT */
/* What a server may send: header lines up to a blank one, then a body. Whatever
 * it is, waits stay within bounds, rejections name events of the batch and each
 * once, and the message is one harmless line without our key. */
#include "fuzz.h"

#include "base/utf8.h"
#include "transport/explain.h"
#include "transport/verdict.h"

#include <stdlib.h>
#include <string.h>

#define NOW_MS      1772600767000
#define EVENT_COUNT 20

/* Its first letter is none that an escape could end in. */
#define KEY "Zk_k"

struct heard {
    bool was_named[EVENT_COUNT];
    uint64_t count;
};

static void hear(void *self, const struct dlr_rejection *rejection)
{
    struct heard *heard = self;

    FUZZ_CHECK(rejection->index < EVENT_COUNT);
    FUZZ_CHECK(!heard->was_named[rejection->index]);
    FUZZ_CHECK(dlr_utf8_is_valid(rejection->error.ptr, rejection->error.len));
    heard->was_named[rejection->index] = true;
    heard->count++;
}

/* Reads header lines; returns where the body begins. */
static size_t read_head(struct dlr_head *head, const char *text, size_t len)
{
    size_t at = 0;

    while (at < len && !head->is_complete) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t next = end == NULL ? len : (size_t)(end - text) + 1;

        dlr_head_read_line(head, dlr_text_n(text + at, next - at));
        at = next;
    }
    return at;
}

static void check_message(struct dlr_answer *answer,
                          const struct dlr_head *head)
{
    struct dlr_url url = {.host = "example.test", .port = 443};
    struct dlr_failure_facts facts = {
        .url = &url, .detail = "", .secrets = {KEY}, .timeout_ms = 10000};
    size_t len;

    dlr_explain(answer, head, &facts);
    len = strlen(answer->message);
    FUZZ_CHECK(len < sizeof answer->message);
    FUZZ_CHECK(dlr_utf8_is_valid(answer->message, len));
    FUZZ_CHECK(strstr(answer->message, KEY) == NULL);
    for (size_t i = 0; i < len; i++) {
        FUZZ_CHECK((unsigned char)answer->message[i] >= ' ');
    }
}

static void check_body(const struct dlr_answer *answer)
{
    struct heard heard = {.count = 0};
    struct dlr_verdict_counts counts;

    FUZZ_CHECK(dlr_verdict_read_body(answer, EVENT_COUNT, hear, &heard,
                                     &counts) == DATALYR_OK);
    FUZZ_CHECK(counts.rejected == heard.count);
    FUZZ_CHECK(counts.accepted <= EVENT_COUNT);
    FUZZ_CHECK(counts.duplicates <= EVENT_COUNT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = calloc(1, len == 0 ? 1 : len);
    struct dlr_answer answer = {0};
    struct dlr_head head = {0};
    int64_t wait_ms;
    size_t at;

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    at = read_head(&head, copy, len);
    FUZZ_CHECK(head.status >= 0 && head.status <= 999);
    FUZZ_CHECK(!head.is_complete || head.status >= 200);
    wait_ms = dlr_head_retry_after_ms(&head, NOW_MS);
    FUZZ_CHECK(wait_ms >= -1 && wait_ms <= DLR_HEAD_RETRY_AFTER_MAX_MS);
    dlr_answer_reset(&answer);
    answer.http_status = head.is_complete ? head.status : 0;
    dlr_buf_append(&answer.body, copy + at, len - at);
    check_message(&answer, &head);
    check_body(&answer);
    dlr_answer_clear(&answer);
    free(copy);
    return 0;
}
