/* SPDX-License-Identifier: MIT */
/*
 * Record: the bytes of one event in the log.
 *
 * FORMAT
 * The words are in the byte order of the machine; a segment's head says which
 * that is (docs/journal-format.md). The state is one of the sixteen words of
 * the extended Hamming code (8,4), whose distance is four.
 */
#include "queue/record.h"

#include "os/crc32c.h"

#include <stdatomic.h>
#include <string.h>

#define STATE_AT 11u

static const uint8_t code_words[16] = {
    0x00, 0x17, 0x2b, 0x3c, 0x4d, 0x5a, 0x66, 0x71,
    0x8e, 0x99, 0xa5, 0xb2, 0xc3, 0xd4, 0xe8, 0xff,
};

uint8_t dlr_record_code(uint32_t state)
{
    return code_words[state & 15u];
}

static unsigned count_bits(uint8_t byte)
{
    unsigned count = 0;

    for (; byte != 0; byte = (uint8_t)(byte & (byte - 1u))) {
        count++;
    }
    return count;
}

uint32_t dlr_record_state_of(uint8_t code)
{
    for (uint32_t state = 0; state < 16; state++) {
        if (count_bits(code ^ code_words[state]) <= 1) {
            return state;
        }
    }
    return DLR_RECORD_DAMAGED;
}

struct dlr_record_head dlr_record_read(const char *at)
{
    struct dlr_record_head head;
    const unsigned char *bytes = (const unsigned char *)at;

    memcpy(&head.crc, at, 4);
    memcpy(&head.time_ms, at + 4, 4);
    head.len = bytes[8] | (uint32_t)bytes[9] << 8 | (uint32_t)bytes[10] << 16;
    head.state = DLR_RECORD_DAMAGED;
    /* The usual words by comparison; the search is for the damaged. */
    if (bytes[STATE_AT] == code_words[DLR_RECORD_PENDING]) {
        head.state = DLR_RECORD_PENDING;
    } else if (bytes[STATE_AT] == code_words[DLR_RECORD_DONE]) {
        head.state = DLR_RECORD_DONE;
    } else {
        head.state = dlr_record_state_of(bytes[STATE_AT]);
    }
    return head;
}

static void store_state(char *at, uint32_t state)
{
    _Atomic uint8_t *place = (_Atomic uint8_t *)(void *)(at + STATE_AT);

    atomic_store_explicit(place, dlr_record_code(state), memory_order_release);
}

void dlr_record_write(char *at, const struct dlr_record_head *head,
                      struct dlr_text json)
{
    memcpy(at + DLR_RECORD_HEAD_BYTES, json.ptr, json.len);
    memcpy(at, &head->crc, 4);
    memcpy(at + 4, &head->time_ms, 4);
    at[8] = (char)(head->len & 255u);
    at[9] = (char)(head->len >> 8 & 255u);
    at[10] = (char)(head->len >> 16 & 255u);
    store_state(at, head->state);
}

void dlr_record_mark(char *at, uint32_t state)
{
    uint32_t crc;

    if (state == DLR_RECORD_DONE) {
        memcpy(&crc, at, 4);
        crc = ~crc;
        memcpy(at, &crc, 4);
    }
    store_state(at, state);
}

void dlr_record_relabel(char *at, uint32_t crc, uint32_t state)
{
    memcpy(at, &crc, 4);
    store_state(at, state);
}

uint32_t dlr_record_crc(const struct dlr_record_head *head, uint64_t generation,
                        uint32_t json_crc)
{
    unsigned char rest[20];

    memcpy(rest, &head->time_ms, 4);
    memcpy(rest + 4, &head->len, 4);
    memcpy(rest + 8, &generation, 8);
    memcpy(rest + 16, &json_crc, 4);
    return dlr_crc32c(0, rest, sizeof rest);
}
