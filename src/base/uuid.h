/* SPDX-License-Identifier: MIT */
/*
 * UUIDs as text: version 7 (ordered by time) for event ids, version 4 for the
 * rest. Owns a small pool of random bytes; where they come from is left to the
 * caller (os/ids.h keeps one generator a thread, fed by the system).
 */
#ifndef DLR_BASE_UUID_H
#define DLR_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLR_UUID_LEN 36
#define DLR_UUID_CAP 37

/* "anon_" and a UUID, with its NUL. */
#define DLR_ANONYMOUS_ID_LEN 41
#define DLR_ANONYMOUS_ID_CAP 42

/* Bytes fetched at a time: few enough that the unlucky caller who refills the
 * pool loses about three microseconds, enough that fewer than one in a hundred
 * is unlucky (an id takes eight bytes). */
#define DLR_UUID_POOL_BYTES 1024

/* All-zero but for `refill` is a fresh generator. One thread at a time. */
struct dlr_uuid_source {
    /* Fills `len` bytes with randomness; false if there is none. */
    bool (*refill)(void *self, void *bytes, size_t len);
    void *self;
    uint64_t last_ms; /* time in the last version 7 id */
    uint32_t counter; /* its 12 bits behind the time */
    uint32_t ready;   /* unused bytes at the end of `pool` */
    uint8_t pool[DLR_UUID_POOL_BYTES];
};

/* Makes an id that sorts behind all earlier ones of this source, also when the
 * clock stands still or steps back a little. False without randomness. */
bool dlr_uuid_make_v7(struct dlr_uuid_source *source, int64_t now_ms,
                      char out[DLR_UUID_CAP]);

bool dlr_uuid_make_v4(struct dlr_uuid_source *source, char out[DLR_UUID_CAP]);

/* "anon_" and a version 4 UUID. */
bool dlr_uuid_make_anonymous(struct dlr_uuid_source *source,
                             char out[DLR_ANONYMOUS_ID_CAP]);

/* Forgets the random bytes at hand, as a forked child must. Ids go on upwards. */
void dlr_uuid_forget(struct dlr_uuid_source *source);

/* Writes 16 bytes in the usual form, lower case, with a NUL. */
void dlr_uuid_format(const uint8_t bytes[16], char out[DLR_UUID_CAP]);

#endif
