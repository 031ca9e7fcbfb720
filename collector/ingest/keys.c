/* SPDX-License-Identifier: MIT */
/*
 * Keys: compared as SHA-256 hashes, all of them, in constant time.
 *
 * DESIGN
 * A key is random, so a plain hash of it cannot be turned around, and there is
 * no need for a slow one on a path that runs a thousand times a second. Every
 * entry is compared to its last byte, so that time tells nothing about how far
 * a guess was right.
 */
#include "ingest/keys.h"

#include "base/mem.h"
#include "os/random.h"
#include "os/thread.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#define RANDOM_BYTES 16

struct workspace {
    char name[65];
    uint32_t number;
};

struct dld_keys {
    struct dld_limit limit;
    struct dlr_mutex lock;
    struct dld_bucket page_bucket; /* of all pages without a key */
    struct dld_key_entry *entries;
    size_t count;
    size_t capacity;
    struct workspace *workspaces;
    size_t workspace_count;
};

datalyr_status dld_keys_new(const struct dld_limit *limit,
                            struct dld_keys **out)
{
    struct dld_keys *keys = dlr_calloc(1, sizeof *keys);

    *out = NULL;
    if (keys == NULL || dlr_mutex_init(&keys->lock) != 0) {
        dlr_free(keys);
        return DATALYR_NOMEM;
    }
    keys->limit = *limit;
    *out = keys;
    return DATALYR_OK;
}

void dld_keys_free(struct dld_keys *keys)
{
    if (keys != NULL) {
        dlr_mutex_clear(&keys->lock);
        dlr_free(keys->entries);
        dlr_free(keys->workspaces);
        dlr_free(keys);
    }
}

void dld_keys_hash(struct dlr_text key, uint8_t out[DLD_KEY_HASH_BYTES])
{
    (void)SHA256((const unsigned char *)(key.len == 0 ? "" : key.ptr), key.len,
                 out);
}

/* Called with the lock. */
static datalyr_status add_hash(struct dld_keys *keys,
                               const uint8_t hash[DLD_KEY_HASH_BYTES],
                               const struct dld_key_entry *facts)
{
    datalyr_status status = DATALYR_OK;

    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity * 2 + 8;
        void *larger =
            dlr_realloc(keys->entries, capacity * sizeof *keys->entries);

        if (larger == NULL) {
            status = DATALYR_NOMEM;
        } else {
            keys->entries = larger;
            keys->capacity = capacity;
        }
    }
    if (status == DATALYR_OK) {
        struct dld_key_entry *entry = &keys->entries[keys->count++];

        *entry = *facts;
        memcpy(entry->hash, hash, sizeof entry->hash);
    }
    return status;
}

datalyr_status dld_keys_add(struct dld_keys *keys, struct dlr_text key,
                            uint32_t workspace, uint32_t roles)
{
    struct dld_key_entry facts = {.workspace = workspace, .roles = roles};
    uint8_t hash[DLD_KEY_HASH_BYTES];
    datalyr_status status;

    dld_keys_hash(key, hash);
    dlr_mutex_lock(&keys->lock);
    status = add_hash(keys, hash, &facts);
    dlr_mutex_unlock(&keys->lock);
    return status;
}

/* Called with the lock. */
static struct dld_key_entry *find_hash(struct dld_keys *keys,
                                       const uint8_t hash[DLD_KEY_HASH_BYTES])
{
    struct dld_key_entry *found = NULL;

    for (size_t i = 0; i < keys->count; i++) {
        if (CRYPTO_memcmp(keys->entries[i].hash, hash, DLD_KEY_HASH_BYTES) ==
            0) {
            found = &keys->entries[i];
        }
    }
    return found;
}

/* Called with the lock. */
static struct dld_key_entry *find(struct dld_keys *keys, struct dlr_text key)
{
    uint8_t hash[DLD_KEY_HASH_BYTES];

    dld_keys_hash(key, hash);
    return find_hash(keys, hash);
}

void dld_keys_begin_stored(struct dld_keys *keys)
{
    dlr_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->count; i++) {
        keys->entries[i].is_seen = false;
    }
    dlr_mutex_unlock(&keys->lock);
}

datalyr_status dld_keys_add_stored(struct dld_keys *keys,
                                   const uint8_t hash[DLD_KEY_HASH_BYTES],
                                   uint32_t workspace, uint32_t roles)
{
    struct dld_key_entry facts = {.workspace = workspace,
                                  .roles = roles,
                                  .is_stored = true,
                                  .is_seen = true};
    struct dld_key_entry *entry;
    datalyr_status status = DATALYR_OK;

    dlr_mutex_lock(&keys->lock);
    entry = find_hash(keys, hash);
    if (entry != NULL) {
        entry->is_seen = true; /* its bucket goes on */
    } else {
        status = add_hash(keys, hash, &facts);
    }
    dlr_mutex_unlock(&keys->lock);
    return status;
}

void dld_keys_end_stored(struct dld_keys *keys)
{
    size_t kept = 0;

    dlr_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->count; i++) {
        if (!keys->entries[i].is_stored || keys->entries[i].is_seen) {
            keys->entries[kept++] = keys->entries[i];
        }
    }
    keys->count = kept;
    dlr_mutex_unlock(&keys->lock);
}

datalyr_status dld_keys_name_workspace(struct dld_keys *keys,
                                       struct dlr_text name, uint32_t number)
{
    datalyr_status status = DATALYR_OK;
    struct workspace *larger;

    if (name.len >= sizeof larger->name ||
        dld_keys_find_workspace(keys, name) != 0) {
        return DATALYR_OK;
    }
    dlr_mutex_lock(&keys->lock);
    larger = dlr_realloc(keys->workspaces, (keys->workspace_count + 1) *
                                               sizeof *keys->workspaces);
    if (larger == NULL) {
        status = DATALYR_NOMEM;
    } else {
        keys->workspaces = larger;
        larger += keys->workspace_count++;
        memset(larger, 0, sizeof *larger);
        memcpy(larger->name, name.ptr, name.len);
        larger->number = number;
    }
    dlr_mutex_unlock(&keys->lock);
    return status;
}

uint32_t dld_keys_find_workspace(struct dld_keys *keys, struct dlr_text name)
{
    uint32_t number = 0;

    dlr_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->workspace_count; i++) {
        if (dlr_text_equals(dlr_text_of(keys->workspaces[i].name), name)) {
            number = keys->workspaces[i].number;
        }
    }
    dlr_mutex_unlock(&keys->lock);
    return number;
}

bool dld_keys_find(struct dld_keys *keys, struct dlr_text key,
                   uint32_t *workspace, uint32_t *roles)
{
    struct dld_key_entry *entry;
    bool is_found;

    *workspace = 0;
    *roles = 0;
    if (key.len == 0) {
        return false;
    }
    dlr_mutex_lock(&keys->lock);
    entry = find(keys, key);
    is_found = entry != NULL;
    if (is_found) {
        *workspace = entry->workspace;
        *roles = entry->roles;
    }
    dlr_mutex_unlock(&keys->lock);
    return is_found;
}

struct dld_limit_answer dld_keys_take(struct dld_keys *keys,
                                      struct dlr_text key, int64_t now_ms)
{
    struct dld_limit_answer answer;
    struct dld_key_entry *entry;

    dlr_mutex_lock(&keys->lock);
    entry = find(keys, key);
    answer =
        dld_bucket_take(entry != NULL ? &entry->bucket : &keys->page_bucket,
                        &keys->limit, now_ms);
    dlr_mutex_unlock(&keys->lock);
    return answer;
}

const struct dld_limit *dld_keys_limit(const struct dld_keys *keys)
{
    return &keys->limit;
}

bool dld_keys_have(struct dld_keys *keys, enum dld_role role)
{
    bool is_found = false;

    dlr_mutex_lock(&keys->lock);
    for (size_t i = 0; i < keys->count; i++) {
        is_found = is_found || (keys->entries[i].roles & (uint32_t)role) != 0;
    }
    dlr_mutex_unlock(&keys->lock);
    return is_found;
}

bool dld_keys_make(char out[DLD_KEY_TEXT_CAP])
{
    uint8_t bytes[RANDOM_BYTES];

    if (!dlr_random_fill(bytes, sizeof bytes)) {
        return false;
    }
    memcpy(out, "dk_", 3);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(out + 3 + i * 2, 3, "%02x", bytes[i]);
    }
    return true;
}
