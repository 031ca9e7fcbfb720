/* SPDX-License-Identifier: MIT */
/*
 * UUIDs (RFC 9562): version 7 and version 4 as text.
 *
 * DESIGN
 * A version 7 id is 48 bits of milliseconds, 12 bits of counter, 62 random
 * bits. The counter (method 1 of the RFC, 6.2) begins anew each millisecond at
 * a random place in its lower half and goes up by one, so that ids of one
 * source sort in the order they were made. When it is full, the source borrows
 * the next millisecond. When the clock steps back a little, the source stays
 * where it was; when it steps back a lot, order is worth less than a true time,
 * and the random bits alone keep ids apart.
 */
#include "base/uuid.h"

#include <string.h>

#define COUNTER_MAX  0xfff
#define COUNTER_HALF 0x7ff

/* Clock corrections by NTP are far below, mistakes of an operator above. */
#define TOLERATED_STEP_MS 10000

#define TIME_MASK UINT64_C(0xffffffffffff)

/* Takes `len` bytes from the pool, each only once. */
static bool take_random(struct dlr_uuid_source *source, void *out, size_t len)
{
    uint8_t *from;

    if (source->ready < len) {
        if (!source->refill(source->self, source->pool, DLR_UUID_POOL_BYTES)) {
            source->ready = 0;
            return false;
        }
        source->ready = DLR_UUID_POOL_BYTES;
    }
    from = source->pool + DLR_UUID_POOL_BYTES - source->ready;
    memcpy(out, from, len);
    /* What was given out must not lie about in memory. */
    memset(from, 0, len);
    source->ready -= (uint32_t)len;
    return true;
}

/* The eight hexadecimal digits of 32 bits, spread over 64 and made letters all
 * at once; the first digit is the highest byte. */
static uint64_t to_hex(uint32_t value)
{
    uint64_t x = value;
    uint64_t letters;

    x = (x | x << 16) & UINT64_C(0x0000ffff0000ffff);
    x = (x | x << 8) & UINT64_C(0x00ff00ff00ff00ff);
    x = (x | x << 4) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    /* 1 in each byte above 9; '0' + 39 + 10 is 'a'. */
    letters = ((x + UINT64_C(0x0606060606060606)) >> 4) &
              UINT64_C(0x0101010101010101);
    return x + UINT64_C(0x3030303030303030) + letters * 39;
}

/* The highest byte first. */
static void store(char *out, uint64_t digits)
{
    out[0] = (char)(digits >> 56);
    out[1] = (char)(digits >> 48);
    out[2] = (char)(digits >> 40);
    out[3] = (char)(digits >> 32);
    out[4] = (char)(digits >> 24);
    out[5] = (char)(digits >> 16);
    out[6] = (char)(digits >> 8);
    out[7] = (char)digits;
}

/* Lays 128 bits out as 8-4-4-4-12 digits. */
static void put(uint64_t high, uint64_t low, char out[DLR_UUID_CAP])
{
    char digits[8];

    store(out, to_hex((uint32_t)(high >> 32)));
    out[8] = '-';
    store(digits, to_hex((uint32_t)high));
    memcpy(out + 9, digits, 4);
    out[13] = '-';
    memcpy(out + 14, digits + 4, 4);
    out[18] = '-';
    store(digits, to_hex((uint32_t)(low >> 32)));
    memcpy(out + 19, digits, 4);
    out[23] = '-';
    memcpy(out + 24, digits + 4, 4);
    store(out + 28, to_hex((uint32_t)low));
    out[36] = '\0';
}

/* Moves time and counter of the source to their next value. */
static bool step(struct dlr_uuid_source *source, uint64_t now_ms)
{
    uint16_t start;

    if (now_ms <= source->last_ms &&
        source->last_ms - now_ms < TOLERATED_STEP_MS &&
        source->counter < COUNTER_MAX) {
        source->counter++;
        return true;
    }
    if (!take_random(source, &start, sizeof start)) {
        return false;
    }
    source->counter = start & COUNTER_HALF;
    if (now_ms <= source->last_ms &&
        source->last_ms - now_ms < TOLERATED_STEP_MS) {
        source->last_ms++;
    } else {
        source->last_ms = now_ms;
    }
    return true;
}

bool dlr_uuid_make_v7(struct dlr_uuid_source *source, int64_t now_ms,
                      char out[DLR_UUID_CAP])
{
    uint64_t low;

    if (!take_random(source, &low, sizeof low) ||
        !step(source, now_ms < 0 ? 0 : (uint64_t)now_ms & TIME_MASK)) {
        return false;
    }
    put(source->last_ms << 16 | 0x7000 | source->counter,
        (low & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62, out);
    return true;
}

bool dlr_uuid_make_v4(struct dlr_uuid_source *source, char out[DLR_UUID_CAP])
{
    uint64_t bits[2];

    if (!take_random(source, bits, sizeof bits)) {
        return false;
    }
    put((bits[0] & ~UINT64_C(0xf000)) | 0x4000,
        (bits[1] & ~(UINT64_C(3) << 62)) | UINT64_C(2) << 62, out);
    return true;
}

bool dlr_uuid_make_anonymous(struct dlr_uuid_source *source,
                             char out[DLR_ANONYMOUS_ID_CAP])
{
    static const char prefix[] = "anon_";

    memcpy(out, prefix, sizeof prefix - 1);
    return dlr_uuid_make_v4(source, out + sizeof prefix - 1);
}

void dlr_uuid_forget(struct dlr_uuid_source *source)
{
    memset(source->pool, 0, sizeof source->pool);
    source->ready = 0;
}

void dlr_uuid_format(const uint8_t bytes[16], char out[DLR_UUID_CAP])
{
    uint64_t words[2] = {0, 0};

    for (int i = 0; i < 16; i++) {
        words[i / 8] = words[i / 8] << 8 | bytes[i];
    }
    put(words[0], words[1], out);
}
