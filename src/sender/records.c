/* SPDX-License-Identifier: MIT */
/*
 * Records: gathers copies in one buffer, which may move while it grows; the
 * pointers that a hook gets are made when it stands still.
 */
#include "sender/records.h"

#include "model/event.h"
#include "queue/record.h"

/* An id and two NULs. */
#define ID_BYTES ((size_t)4096)

/* The largest event, its id and two NULs always fit. */
#define TEXT_MAX_BYTES ((size_t)DLR_RECORD_MAX_BYTES + ID_BYTES)

/* Above it a set is handed over before it has all its places filled. */
#define TEXT_USUAL_BYTES ((size_t)1 << 20)

static bool add_text(struct dlr_records *records, struct dlr_text json)
{
    struct dlr_record_place *place = &records->places[records->count];

    place->json = records->text.len;
    place->json_len = json.len;
    dlr_buf_append_text(&records->text, json);
    dlr_buf_append_char(&records->text, '\0');
    place->id = records->text.len;
    (void)dlr_event_read_id(json, &records->text);
    dlr_buf_append_char(&records->text, '\0');
    return !records->text.failed;
}

bool dlr_records_prepare(struct dlr_records *records, size_t max_event_bytes)
{
    dlr_buf_init(&records->text, TEXT_MAX_BYTES);
    return dlr_buf_reserve(&records->text, max_event_bytes + ID_BYTES) != NULL;
}

bool dlr_records_add(struct dlr_records *records, struct dlr_text json)
{
    size_t mark = records->text.len;

    if (records->text.max == 0) {
        dlr_buf_init(&records->text, TEXT_MAX_BYTES);
    }
    if (records->count == DLR_RECORDS_MAX ||
        (records->count > 0 && mark + json.len > TEXT_USUAL_BYTES)) {
        return false;
    }
    if (!add_text(records, json)) {
        dlr_buf_rewind(&records->text, mark);
        return false;
    }
    records->count += 1;
    return true;
}

const datalyr_record *dlr_records_view(struct dlr_records *records)
{
    for (size_t i = 0; i < records->count; i++) {
        const struct dlr_record_place *place = &records->places[i];

        records->records[i].json = records->text.ptr + place->json;
        records->records[i].json_len = place->json_len;
        records->records[i].event_id = records->text.ptr + place->id;
    }
    return records->records;
}

void dlr_records_reset(struct dlr_records *records)
{
    dlr_buf_rewind(&records->text, 0);
    records->count = 0;
}

void dlr_records_clear(struct dlr_records *records)
{
    dlr_buf_clear(&records->text);
    records->count = 0;
}
