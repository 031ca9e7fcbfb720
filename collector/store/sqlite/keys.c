/* SPDX-License-Identifier: MIT */
/*
 * Keys: texts as 64-bit numbers, which is what columns and sorted keys hold.
 *
 * DESIGN
 * The hash is keyed with a secret of the store, so that nobody can make ids
 * that fall into one slot, and salted with kind and workspace, so that one
 * workspace's rows cannot be met by another's look-up.
 */
#include "store/sqlite/parts.h"

uint64_t dld_sqlite_key(const struct dld_sqlite *store, enum dld_key kind,
                        uint32_t workspace, struct dlr_text text)
{
    struct dlr_hash_key salted = store->hash_key;
    uint64_t key;

    if (text.len == 0) {
        return 0;
    }
    salted.word[0] ^= ((uint64_t)kind << 32) | workspace;
    key = dlr_hash(&salted, text.ptr, text.len);
    return key == 0 ? 1 : key;
}
