/* SPDX-License-Identifier: MIT */
/* Any bytes as the file of a segment. Records found lie within the file, in
 * order and apart, and their checksums fit; a whole record that is put behind
 * any bytes is found. */
#include "fuzz.h"

#include "os/crc32c.h"
#include "queue/scan.h"

#include <stdlib.h>
#include <string.h>

#define GENERATION 0x1234567890abcdefu

static const char event[] = "{\"event\":\"behind\"}";

static struct dlr_scan scan_of(const char *bytes, size_t len)
{
    struct dlr_scan scan = {
        .base = bytes, .len = len, .generation = GENERATION};

    return scan;
}

/* Walks to the end; true if a pending record at `offset` was among them. */
static bool walk(const char *bytes, size_t len, size_t offset)
{
    struct dlr_scan scan = scan_of(bytes, len);
    struct dlr_found found;
    size_t end = 0;
    bool has_seen = false;

    while (dlr_scan_next(&scan, &found)) {
        FUZZ_CHECK(found.offset >= end);
        FUZZ_CHECK(found.json.ptr == bytes + found.offset + 12);
        end = found.offset + 12 + found.json.len;
        FUZZ_CHECK(end <= len);
        has_seen |=
            found.offset == offset && found.head.state == DLR_RECORD_PENDING;
    }
    FUZZ_CHECK(scan.damaged_bytes <= len);
    FUZZ_CHECK(scan.offset == len);
    return has_seen;
}

/* The bytes, and a whole record behind them. */
static void check_resync(const uint8_t *data, size_t len)
{
    size_t place = (len + 3) / 4 * 4;
    struct dlr_record_head head = {.len = sizeof event - 1,
                                   .state = DLR_RECORD_PENDING};
    char *bytes = calloc(1, place + 64);

    memcpy(bytes, data, len);
    head.crc = dlr_record_crc(&head, GENERATION,
                              dlr_crc32c(0, event, sizeof event - 1));
    dlr_record_write(bytes + place, &head, dlr_text_n(event, sizeof event - 1));
    /* A record in the bytes may rightly reach over ours only if its own
     * checksum fits, which no input finds by chance. */
    FUZZ_CHECK(walk(bytes, place + 64, place));
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char *copy = malloc(len == 0 ? 1 : len);
    struct dlr_segment_head head;

    memcpy(copy, data, len);
    (void)dlr_segment_head_read(copy, len, &head);
    (void)walk(copy, len, SIZE_MAX);
    check_resync(data, len);
    free(copy);
    return 0;
}
