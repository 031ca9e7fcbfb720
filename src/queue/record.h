/* SPDX-License-Identifier: MIT */
/*
 * Record: one event in the log, a head of twelve bytes and the JSON behind it.
 * Which records exist is the business of queue/segment.h.
 *
 *      0        4        8       11  12
 *     +--------+--------+-------+---+----------------- - - -+
 *     |  crc   |  time  |  len  | s | JSON, padded to four  |
 *     +--------+--------+-------+---+----------------- - - -+
 *
 * crc   of time, len, the segment's generation and the JSON; inverted once the
 *       record is settled. 0 in segments that are memory only.
 * time  milliseconds since the segment was made.
 * len   bytes of JSON, 24 bits.
 * s     the state as a code word: any two differ in four bits, so a flipped bit
 *       never turns one into another.
 */
#ifndef DLR_QUEUE_RECORD_H
#define DLR_QUEUE_RECORD_H

#include "base/text.h"

#include <datalyr.h>

#define DLR_RECORD_HEAD_BYTES 12u
#define DLR_RECORD_ALIGN      4u
#define DLR_RECORD_MAX_BYTES  ((1u << 24) - 1u)

enum dlr_record_state {
    DLR_RECORD_FREE = 0,    /* never written: the log ends here */
    DLR_RECORD_PENDING = 1, /* accepted, not settled */
    DLR_RECORD_DONE = 2,    /* delivered, or dropped and reported */
    DLR_RECORD_DEAD = 4,    /* dropped, to be reported: plus the reason */
    DLR_RECORD_DAMAGED = 16 /* no code word at all; never written */
};

struct dlr_record_head {
    uint32_t crc;
    uint32_t time_ms;
    uint32_t len;
    uint32_t state; /* a dlr_record_state, or DEAD plus a drop reason */
};

/* Bytes a record of `len` bytes of JSON takes in the log. */
static inline uint32_t dlr_record_span(uint32_t len)
{
    return (DLR_RECORD_HEAD_BYTES + len + DLR_RECORD_ALIGN - 1u) &
           ~(DLR_RECORD_ALIGN - 1u);
}

/* Reads the head at `at`. */
struct dlr_record_head dlr_record_read(const char *at);

/* Writes a whole record: the JSON first and the state last, so that a process
 * killed in between leaves a record that was never written. */
void dlr_record_write(char *at, const struct dlr_record_head *head,
                      struct dlr_text json);

/* Changes the state in place; a settled record gets its crc inverted, so that
 * the state stands in two places. */
void dlr_record_mark(char *at, uint32_t state);

/* Rewrites checksum and state alone, for copies in memory that use the place of
 * the checksum for something else. */
void dlr_record_relabel(char *at, uint32_t crc, uint32_t state);

/* The code word of a state, and back (one flipped bit is corrected). */
uint8_t dlr_record_code(uint32_t state);
uint32_t dlr_record_state_of(uint8_t code);

/* The checksum that belongs to a record, before inversion. `json_crc` is the
 * CRC-32C of the JSON alone, so that the long part is computed outside of any
 * lock. */
uint32_t dlr_record_crc(const struct dlr_record_head *head, uint64_t generation,
                        uint32_t json_crc);

static inline bool dlr_record_is_dead(uint32_t state)
{
    return state >= DLR_RECORD_DEAD && state < DLR_RECORD_DAMAGED;
}

#endif
