/* SPDX-License-Identifier: MIT */
/* Any bytes as the body of a request, as they are and as gzip in pieces: every
 * event has one verdict, and what would be stored is one JSON object that reads
 * the same when it comes back. */
#include "fuzz.h"

#include "base/json_check.h"
#include "http/inflate.h"
#include "ingest/batch.h"

#include <stdlib.h>
#include <string.h>

#define EVENTS_MAX 100
#define DEPTH_MAX  64
#define BODY_MAX   (1u << 20)

static void check_row(const struct dld_row *row)
{
    FUZZ_CHECK(row->id.len > 0 && row->name.len > 0);
    FUZZ_CHECK(row->user.len > 0 || row->anonymous.len > 0);
    FUZZ_CHECK(row->workspace == 7);
    FUZZ_CHECK(dlr_json_check_object(row->doc, DEPTH_MAX + 1, NULL));
}

/* A stored event that is sent again is the same event. In a batch, for an event
 * may have a member `events` of its own, and would be one when it came alone. */
static void check_again(const struct dld_row *row,
                        const struct dld_batch_limits *limits,
                        const struct dld_batch_origin *origin)
{
    struct dld_batch_limits deeper = *limits;
    struct dld_batch batch = {0};
    struct dld_batch_fault fault = {0};
    struct dlr_buf body;

    deeper.max_depth += 3; /* the row's own object, and the batch around it */
    dlr_buf_init(&body, row->doc.len + 16);
    dlr_buf_append_string(&body, "{\"events\":[");
    dlr_buf_append_text(&body, row->doc);
    dlr_buf_append_string(&body, "]}");
    FUZZ_CHECK(!body.failed);
    dld_batch_read(dlr_buf_text(&body), &deeper, origin, &batch, &fault);
    FUZZ_CHECK(fault.status == 0 && batch.event_count == 1);
    FUZZ_CHECK(batch.row_count == 1);
    /* One that has neither id nor time gets a new id each time. */
    FUZZ_CHECK((row->flags & DLD_ROW_ID_DERIVED) != 0 ||
               dlr_text_equals(batch.rows[0].id, row->id));
    FUZZ_CHECK(dlr_text_equals(batch.rows[0].doc, row->doc));
    FUZZ_CHECK(batch.rows[0].content_hash == row->content_hash);
    dld_batch_clear(&batch);
    dlr_buf_clear(&body);
}

static void check_body(struct dlr_text body)
{
    struct dld_batch_limits limits = {.max_events = EVENTS_MAX,
                                      .max_depth = DEPTH_MAX};
    struct dld_batch_origin origin = {
        .workspace = 7, .flags = DLD_ROW_KEYED, .received_ms = 1700000000000};
    struct dld_batch batch = {0};
    struct dld_batch_fault fault = {0};

    dld_batch_read(body, &limits, &origin, &batch, &fault);
    if (fault.status != 0) {
        FUZZ_CHECK(fault.error != NULL);
        FUZZ_CHECK(!fault.has_position || fault.position <= body.len);
    } else {
        FUZZ_CHECK(batch.event_count <= EVENTS_MAX);
        FUZZ_CHECK(batch.row_count + batch.refusal_count == batch.event_count);
        for (size_t i = 0; i < batch.row_count; i++) {
            check_row(&batch.rows[i]);
        }
        if (batch.row_count == 1) {
            check_again(&batch.rows[0], &limits, &origin);
        }
    }
    dld_batch_clear(&batch);
}

/* The first byte says where the bytes are cut in two. */
static void check_gzip(const char *bytes, size_t len)
{
    struct dld_inflate inflate = {0};
    struct dlr_buf out;
    size_t cut = len == 0 ? 0 : (unsigned char)bytes[0] % (len + 1);

    dlr_buf_init(&out, BODY_MAX);
    if (dld_inflate_add(&inflate, bytes, cut, &out) == DLD_INFLATE_OK &&
        dld_inflate_add(&inflate, bytes + cut, len - cut, &out) ==
            DLD_INFLATE_OK) {
        FUZZ_CHECK(out.len <= BODY_MAX);
        check_body(dlr_buf_text(&out));
    }
    dld_inflate_clear(&inflate);
    dlr_buf_clear(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = calloc(1, len == 0 ? 1 : len);

    FUZZ_CHECK(copy != NULL);
    if (len > 0) {
        memcpy(copy, data, len);
    }
    check_body(dlr_text_n(copy, len));
    check_gzip(copy, len);
    free(copy);
    return 0;
}
