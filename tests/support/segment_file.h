/* SPDX-License-Identifier: MIT */
/* The bytes of a segment, made record by record, as a dead process left them. */
#ifndef DATALYR_TESTS_SUPPORT_SEGMENT_FILE_H
#define DATALYR_TESTS_SUPPORT_SEGMENT_FILE_H

#include "os/crc32c.h"
#include "queue/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#define SEGMENT_FILE_CAP        65536u
#define SEGMENT_FILE_GENERATION UINT64_C(0x1122334455667789)

struct segment_file {
    /* Words of records are read in place. */
    _Alignas(8) char bytes[SEGMENT_FILE_CAP];
    uint64_t generation;
    size_t len;
};

static inline void segment_file_begin(struct segment_file *file,
                                      const uint8_t *destination)
{
    struct dlr_segment_head head = {.generation = SEGMENT_FILE_GENERATION,
                                    .created_ms = 1700000000000};

    memset(file, 0, sizeof *file);
    if (destination != NULL) {
        memcpy(head.destination, destination, DLR_DESTINATION_BYTES);
    }
    dlr_segment_head_write(file->bytes, &head);
    file->generation = head.generation;
    file->len = DLR_SEGMENT_HEAD_BYTES;
}

/* Adds a record; returns where its head stands among the file's bytes. */
static inline char *segment_file_add(struct segment_file *file,
                                     const char *json, uint32_t state)
{
    struct dlr_text text = dlr_text_of(json);
    struct dlr_record_head head = {.len = (uint32_t)text.len,
                                   .state = DLR_RECORD_PENDING};
    char *at = file->bytes + file->len;

    assert_true(file->len + dlr_record_span(head.len) <= SEGMENT_FILE_CAP);
    head.crc = dlr_record_crc(&head, file->generation,
                              dlr_crc32c(0, text.ptr, text.len));
    dlr_record_write(at, &head, text);
    if (state != DLR_RECORD_PENDING) {
        dlr_record_mark(at, state);
    }
    file->len += dlr_record_span(head.len);
    return at;
}

#endif
