/* SPDX-License-Identifier: MIT */
/*
 * Answer: what all transports share about the thing they hand back.
 *
 * DESIGN
 * A reset keeps the memory of the body: a request is used again thousands of
 * times, and most answers are the same few bytes.
 */
#include "transport/transport.h"

/* A batch of 10,000 events of which each one is rejected, with its id and a
 * reason, is about 2 MiB. */
#define MAX_BODY_BYTES (4u << 20)

/* A body that was larger than this is an exception; its memory is not kept. */
#define MAX_KEPT_BYTES (64u << 10)

void dlr_answer_reset(struct dlr_answer *answer)
{
    struct dlr_buf body = answer->body;

    if (body.cap > MAX_KEPT_BYTES) {
        dlr_buf_clear(&body);
    }
    if (body.max == 0) {
        dlr_buf_init(&body, MAX_BODY_BYTES);
    }
    dlr_buf_rewind(&body, 0);
    answer->http_status = 0;
    answer->system_code = 0;
    answer->retry_after_ms = DLR_RETRY_AFTER_NONE;
    answer->latency_us = 0;
    answer->batch_limit = 0;
    answer->accepts_gzip = false;
    answer->is_truncated = false;
    answer->body = body;
    answer->message[0] = '\0';
}

void dlr_answer_clear(struct dlr_answer *answer)
{
    dlr_buf_clear(&answer->body);
    dlr_answer_reset(answer);
}
