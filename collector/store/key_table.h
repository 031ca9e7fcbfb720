/* SPDX-License-Identifier: MIT */
/*
 * Key table: API keys and workspaces as the store keeps them. Hashes only; a
 * key is shown once, when it is made. May be open beside a running collector.
 */
#ifndef DLD_STORE_KEY_TABLE_H
#define DLD_STORE_KEY_TABLE_H

#include "base/text.h"

#include <datalyr.h>
#include <stdbool.h>
#include <stdint.h>

#define DLD_KEY_TABLE_HASH_BYTES 32
#define DLD_KEY_TABLE_NAME_CAP   65

struct dld_key_record {
    int64_t number;
    uint8_t hash[DLD_KEY_TABLE_HASH_BYTES];
    char hint[16]; /* masked key */
    uint32_t workspace;
    char workspace_name[DLD_KEY_TABLE_NAME_CAP];
    uint32_t roles;
    int64_t created_ms;
    int64_t revoked_ms; /* 0: it is good */
};

struct dld_key_table;

datalyr_status dld_key_table_open(const char *store_path,
                                  struct dld_key_table **out,
                                  datalyr_error *error);
void dld_key_table_close(struct dld_key_table **table);

/* Enters the key into the workspace of that name, which is made if it is new;
 * fills in `number` and `workspace`. */
datalyr_status dld_key_table_add(struct dld_key_table *table,
                                 struct dld_key_record *record,
                                 datalyr_error *error);
/* `is_found` says whether there was such a key that was good. */
datalyr_status dld_key_table_revoke(struct dld_key_table *table, int64_t number,
                                    int64_t now_ms, bool *is_found,
                                    datalyr_error *error);
/* Shows all keys, oldest first. */
datalyr_status dld_key_table_list(struct dld_key_table *table,
                                  void (*show)(void *self,
                                               const struct dld_key_record *),
                                  void *self, datalyr_error *error);
/* True if somebody else changed the store since the last call. */
bool dld_key_table_has_changed(struct dld_key_table *table);

#endif
