/* SPDX-License-Identifier: MIT */
/*
 * Ids: see ids.h.
 *
 * FORMAT
 * UUIDs of version 8 (RFC 9562: "custom"), from SHA-256:
 *   bytes 0 to 3   hash of the source's name
 *   bytes 4 to 7   the record's number in the source, its lowest 28 bits
 *   bytes 8 to 15  hash of name, number, place in an array, and content
 * with version and variant in their places. The ids of one file ascend, so the
 * collector's index grows at one end, which is several times cheaper than with
 * ids from a hash alone. Ids from a messageId have no place and are hash only.
 * The content goes in as two 64-bit hashes under fixed keys, 128 bits together:
 * a third of the cost of SHA-256 over a usual line, which would be more than
 * everything else that is done to it.
 * FORMAT is frozen: another one would store imported files a second time.
 */
#include "import/ids.h"

#include "base/hash.h"

static const struct dlr_hash_key first_key = {
    {0x646174616c797220, 0x696d706f72742031}};
static const struct dlr_hash_key second_key = {
    {0x696d706f72742032, 0x646174616c797220}};

static void add_uint64(struct dlr_sha256 *hash, uint64_t number)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (uint8_t)(number >> (56 - 8 * i));
    }
    dlr_sha256_add(hash, bytes, sizeof bytes);
}

static void add_content(struct dlr_sha256 *hash, struct dlr_text bytes)
{
    add_uint64(hash, bytes.len);
    add_uint64(hash, dlr_hash(&first_key, bytes.ptr, bytes.len));
    add_uint64(hash, dlr_hash(&second_key, bytes.ptr, bytes.len));
}

static void format(uint8_t bytes[16], char out[DLR_UUID_CAP])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x80);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    dlr_uuid_format(bytes, out);
}

/* Fills the block that was begun with zeros, so that each record costs one. */
static void pad(struct dlr_sha256 *hash)
{
    static const uint8_t zeros[64] = {0};
    size_t used = (size_t)(hash->total_bytes % sizeof zeros);

    dlr_sha256_add(hash, zeros, used == 0 ? 0 : sizeof zeros - used);
}

void cli_ids_init(struct cli_ids *ids, struct dlr_text source)
{
    static const char domain[] = "datalyr import 1";
    uint8_t digest[DLR_SHA256_BYTES];
    struct dlr_sha256 hash;

    dlr_sha256_init(&ids->begun);
    dlr_sha256_add(&ids->begun, domain, sizeof domain);
    add_uint64(&ids->begun, source.len);
    dlr_sha256_add(&ids->begun, source.ptr, source.len);
    pad(&ids->begun);
    hash = ids->begun;
    dlr_sha256_finish(&hash, digest);
    memcpy(ids->source, digest, sizeof ids->source);
}

void cli_ids_derive(const struct cli_ids *ids, const struct cli_record *record,
                    char out[DLR_UUID_CAP])
{
    struct dlr_sha256 hash = ids->begun;
    uint8_t digest[DLR_SHA256_BYTES];
    uint8_t bytes[16];

    add_uint64(&hash, record->number);
    add_uint64(&hash, record->item);
    add_content(&hash, record->bytes);
    dlr_sha256_finish(&hash, digest);
    memcpy(bytes, ids->source, 4);
    bytes[4] = (uint8_t)(record->number >> 20);
    bytes[5] = (uint8_t)(record->number >> 12);
    bytes[6] = (uint8_t)(record->number >> 8);
    bytes[7] = (uint8_t)record->number;
    memcpy(bytes + 8, digest, 8);
    format(bytes, out);
}

void cli_ids_derive_message(struct dlr_text message_id,
                            const struct cli_record *record,
                            char out[DLR_UUID_CAP])
{
    static const char domain[] = "datalyr message 1";
    uint8_t digest[DLR_SHA256_BYTES];
    struct dlr_sha256 hash;

    dlr_sha256_init(&hash);
    dlr_sha256_add(&hash, domain, sizeof domain);
    add_uint64(&hash, message_id.len);
    dlr_sha256_add(&hash, message_id.ptr, message_id.len);
    add_content(&hash, record->bytes);
    dlr_sha256_finish(&hash, digest);
    format(digest, out);
}
