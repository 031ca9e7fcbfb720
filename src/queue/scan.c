/* SPDX-License-Identifier: MIT */
/*
 * Scan: what a killed process, a torn write or a bad disk left of a segment.
 *
 * FORMAT
 * docs/journal-format.md. A record counts when its checksum fits; whether it is
 * settled is said twice, by the state and by the inversion of the checksum, and
 * where the two disagree the event is sent again rather than lost.
 *
 * DESIGN
 * Damage is skipped in steps of the alignment until a whole record follows, so
 * that a hole costs the records in it and no others. Never-written space reads
 * as zeros and is no damage. The bytes are foreign: nothing in them is trusted
 * before its checksum is.
 */
#include "queue/scan.h"

#include "os/crc32c.h"

#include <stdatomic.h>
#include <string.h>

#define MAGIC         "DLRJRNL"
#define BYTE_ORDER    0x01020304u
#define SWAPPED_ORDER 0x04030201u
#define CRC_AT        60u

/* The head stands there twice: without its generation no record could be told
 * from garbage, and one flipped bit must not cost a whole segment. */
#define COPY_BYTES (DLR_SEGMENT_HEAD_BYTES / 2)

/* In place of the first byte of the magic: the head is still to be written. All
 * bits differ, so that no flipped one makes this of a head. */
#define UNWRITTEN ((char)~'D')

/* Bytes of a record's head that may all be zero at its beginning. */
#define LEADING_ZEROS_MAX 8u

/* What a killed process leaves is what it stored so far: one byte says whether
 * the rest counts. */
static void store_first(char *at, char byte)
{
    atomic_store_explicit((_Atomic char *)(void *)at, byte,
                          memory_order_release);
}

static void write_copy(char *at, const struct dlr_segment_head *head)
{
    uint32_t order = BYTE_ORDER;
    uint32_t version = DLR_JOURNAL_VERSION;
    uint32_t crc;

    memset(at + 1, 0, COPY_BYTES - 1);
    memcpy(at + 1, &MAGIC[1], 7);
    memcpy(at + 8, &order, 4);
    memcpy(at + 12, &version, 4);
    memcpy(at + 16, &head->generation, 8);
    memcpy(at + 24, &head->created_ms, 8);
    memcpy(at + 32, head->destination, DLR_DESTINATION_BYTES);
    memcpy(at + 48, &head->boot_mark, 4);
    memcpy(at + 52, &head->booted_ms, 8);
    crc = dlr_crc32c(0, MAGIC, 1);
    crc = dlr_crc32c(crc, at + 1, CRC_AT - 1);
    memcpy(at + CRC_AT, &crc, 4);
    store_first(at, MAGIC[0]);
}

void dlr_segment_head_void(char *at)
{
    store_first(at, UNWRITTEN);
    atomic_signal_fence(memory_order_seq_cst); /* nothing comes before it */
}

void dlr_segment_head_write(char *at, const struct dlr_segment_head *head)
{
    dlr_segment_head_void(at);
    write_copy(at + COPY_BYTES, head);
    write_copy(at, head);
}

static bool is_unwritten(const char *at)
{
    for (size_t i = 1; i < sizeof MAGIC; i++) {
        if (at[i] != MAGIC[i] && at[i] != 0) {
            return false;
        }
    }
    return at[0] == UNWRITTEN;
}

static bool is_zero(const char *bytes, size_t len)
{
    return len == 0 ||
           (bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0);
}

static enum dlr_head_verdict read_copy(const char *at,
                                       struct dlr_segment_head *head)
{
    uint32_t order;
    uint32_t version;
    uint32_t crc;

    memcpy(&order, at + 8, 4);
    memcpy(&version, at + 12, 4);
    memcpy(&crc, at + CRC_AT, 4);
    if (memcmp(at, MAGIC, 8) == 0 && order == SWAPPED_ORDER) {
        return DLR_HEAD_FOREIGN; /* its checksum is in the other order too */
    }
    if (memcmp(at, MAGIC, 8) != 0 || crc != dlr_crc32c(0, at, CRC_AT)) {
        return DLR_HEAD_DAMAGED;
    }
    if (order != BYTE_ORDER || version != DLR_JOURNAL_VERSION) {
        return DLR_HEAD_FOREIGN;
    }
    memcpy(&head->generation, at + 16, 8);
    memcpy(&head->created_ms, at + 24, 8);
    memcpy(head->destination, at + 32, DLR_DESTINATION_BYTES);
    memcpy(&head->boot_mark, at + 48, 4);
    memcpy(&head->booted_ms, at + 52, 8);
    return DLR_HEAD_GOOD;
}

enum dlr_head_verdict dlr_segment_head_read(const char *at, size_t len,
                                            struct dlr_segment_head *head)
{
    enum dlr_head_verdict verdict;

    if (is_zero(at,
                len < DLR_SEGMENT_HEAD_BYTES ? len : DLR_SEGMENT_HEAD_BYTES)) {
        return DLR_HEAD_EMPTY;
    }
    if (len < DLR_SEGMENT_HEAD_BYTES) {
        return DLR_HEAD_DAMAGED;
    }
    if (is_unwritten(at)) {
        return DLR_HEAD_EMPTY;
    }
    verdict = read_copy(at, head);
    return verdict == DLR_HEAD_DAMAGED ? read_copy(at + COPY_BYTES, head)
                                       : verdict;
}

/* True if the bytes at `offset` are a whole record. */
static bool is_record(const struct dlr_scan *scan, size_t offset,
                      struct dlr_found *found)
{
    size_t room = scan->len > offset ? scan->len - offset : 0;
    const char *at = scan->base + offset;
    uint32_t crc;

    if (room < DLR_RECORD_HEAD_BYTES + 2) {
        return false;
    }
    found->offset = offset;
    found->head = dlr_record_read(at);
    found->json = dlr_text_n(at + DLR_RECORD_HEAD_BYTES, found->head.len);
    if (found->head.len < 2 || found->head.len > room - DLR_RECORD_HEAD_BYTES ||
        found->json.ptr[0] != '{' ||
        found->json.ptr[found->head.len - 1] != '}') {
        return false;
    }
    crc = dlr_record_crc(&found->head, scan->generation,
                         dlr_crc32c(0, found->json.ptr, found->json.len));
    if (found->head.crc == ~crc) {
        found->head.state = DLR_RECORD_DONE;
        return true;
    }
    if (!dlr_record_is_dead(found->head.state)) {
        found->head.state = DLR_RECORD_PENDING;
    }
    return found->head.crc == crc;
}

/* Where the next word that is not zero stands. */
static size_t skip_zeros(const struct dlr_scan *scan, size_t offset)
{
    while (offset + DLR_RECORD_ALIGN <= scan->len) {
        uint32_t word;

        memcpy(&word, scan->base + offset, sizeof word);
        if (word != 0) {
            return offset;
        }
        offset += DLR_RECORD_ALIGN;
    }
    return scan->len;
}

/* Counts what is not zero between the records at `from` and `to`. */
static void note_damage(struct dlr_scan *scan, size_t from, size_t to)
{
    from = skip_zeros(scan, from);
    while (to > from && scan->base[to - 1] == 0) {
        to--;
    }
    if (to > from) {
        scan->damaged_bytes += to - from;
        scan->damaged_runs += 1;
    }
}

/* True if what follows the last record was being written when its process was
 * killed: its state, which is written last, is still that of free space. The
 * call that would have accepted it never returned. */
static bool is_unconfirmed(const struct dlr_scan *scan)
{
    size_t room = scan->len > scan->offset ? scan->len - scan->offset : 0;

    return room >= DLR_RECORD_HEAD_BYTES &&
           scan->base[scan->offset + DLR_RECORD_HEAD_BYTES - 1] == 0;
}

bool dlr_scan_next(struct dlr_scan *scan, struct dlr_found *found)
{
    size_t offset = scan->offset;

    while (offset < scan->len) {
        size_t word = skip_zeros(scan, offset);

        /* Checksum and time may be zero, length and state are not: a record
         * begins at most two words before the first that is not zero. */
        if (word > offset + LEADING_ZEROS_MAX) {
            offset = word - LEADING_ZEROS_MAX;
        }
        if (is_record(scan, offset, found)) {
            note_damage(scan, scan->offset, offset);
            scan->offset = offset + dlr_record_span(found->head.len);
            return true;
        }
        offset += DLR_RECORD_ALIGN;
    }
    if (!is_unconfirmed(scan)) {
        note_damage(scan, scan->offset, scan->len);
    }
    scan->offset = scan->len;
    return false;
}
