/* SPDX-License-Identifier: MIT */
/*
 * Keys: who may send, read and delete, in which workspace. Holds hashes only.
 */
#ifndef DLD_INGEST_KEYS_H
#define DLD_INGEST_KEYS_H

#include "base/text.h"
#include "ingest/limiter.h"

#include <datalyr.h>
#include <stdbool.h>
#include <stdint.h>

/* What a key opens; an admin key opens all. */
enum dld_role {
    DLD_ROLE_WRITE = 1,
    DLD_ROLE_READ = 2,
    DLD_ROLE_ADMIN = 4,
};

#define DLD_KEY_HASH_BYTES 32

struct dld_key_entry {
    uint8_t hash[DLD_KEY_HASH_BYTES];
    uint32_t workspace;
    uint32_t roles; /* enum dld_role */
    struct dld_bucket bucket;
    bool is_stored; /* comes from the store, not from the command line */
    bool is_seen;   /* came again since begin_stored() */
};

struct dld_keys;

datalyr_status dld_keys_new(const struct dld_limit *limit,
                            struct dld_keys **out);
void dld_keys_free(struct dld_keys *keys);

datalyr_status dld_keys_add(struct dld_keys *keys, struct dlr_text key,
                            uint32_t workspace, uint32_t roles);
/* Keys of the store: between begin and end those that were stored before are
 * still good; end() drops the ones that did not come again. */
void dld_keys_begin_stored(struct dld_keys *keys);
datalyr_status dld_keys_add_stored(struct dld_keys *keys,
                                   const uint8_t hash[DLD_KEY_HASH_BYTES],
                                   uint32_t workspace, uint32_t roles);
void dld_keys_end_stored(struct dld_keys *keys);

/* Names of workspaces, as web pages say them. */
datalyr_status dld_keys_name_workspace(struct dld_keys *keys,
                                       struct dlr_text name, uint32_t number);
/* 0 for a name that is not known. */
uint32_t dld_keys_find_workspace(struct dld_keys *keys, struct dlr_text name);

void dld_keys_hash(struct dlr_text key, uint8_t out[DLD_KEY_HASH_BYTES]);

/* False for a key that is not known. */
bool dld_keys_find(struct dld_keys *keys, struct dlr_text key,
                   uint32_t *workspace, uint32_t *roles);
/* Takes one request out of the key's bucket, or out of the one that requests
 * without a key share. */
struct dld_limit_answer dld_keys_take(struct dld_keys *keys,
                                      struct dlr_text key, int64_t now_ms);
const struct dld_limit *dld_keys_limit(const struct dld_keys *keys);
bool dld_keys_have(struct dld_keys *keys, enum dld_role role);

/* "dk_" and 32 random hexadecimal digits, with a NUL. False: no randomness. */
#define DLD_KEY_TEXT_CAP 36
bool dld_keys_make(char out[DLD_KEY_TEXT_CAP]);

#endif
