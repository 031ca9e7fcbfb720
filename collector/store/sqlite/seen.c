/* SPDX-License-Identifier: MIT */
/*
 * Seen: the exact numbers of events, visitors and users of each workspace, kept
 * as rows become visible.
 *
 * DESIGN
 * Counting distinct ids over all partitions at each request would read every
 * index. The sets cost about eight bytes an id instead. The set of visitors
 * also knows whether a visitor has events without a user: only those can
 * belong to somebody by identity, and a journey asks for no others. (The
 * official server SDK makes a fresh anonymous id for each event; without this
 * a user with 10,000 events would cost 10,000 look-ups.)
 */
#include "base/mem.h"
#include "store/sqlite/parts.h"

/* What of a hash goes into a payload, beside the 40 bits the set keeps. Stays
 * below the payload that the set uses for itself. */
#define PAYLOAD_HASH    0x1fffu
#define PAYLOAD_UNOWNED 0x2000u

/* A workspace number is small: they are given out one after the other. */
#define WORKSPACES_MAX 1000000u

struct dld_workspace_stats *dld_seen_workspace(struct dld_sqlite *store,
                                               uint32_t workspace)
{
    struct dld_workspace_stats *larger;
    size_t count = (size_t)workspace + 1;

    if (workspace < store->workspace_count) {
        return &store->workspaces[workspace];
    }
    if (workspace > WORKSPACES_MAX) {
        return NULL;
    }
    larger = dlr_realloc(store->workspaces, count * sizeof *larger);
    if (larger == NULL) {
        return NULL;
    }
    store->workspaces = larger;
    while (store->workspace_count < count) {
        store->workspaces[store->workspace_count++] =
            (struct dld_workspace_stats){0};
    }
    return &store->workspaces[workspace];
}

static bool has_payload(const struct dld_idset *set, uint64_t key,
                        uint16_t payload)
{
    struct dld_idset_cursor cursor;
    uint16_t found;

    dld_idset_find(set, key, &cursor);
    while (dld_idset_next(&cursor, &found)) {
        if (found == payload) {
            return true;
        }
    }
    return false;
}

bool dld_seen_visitor(struct dld_sqlite *store, uint64_t key,
                      uint32_t workspace, bool is_unowned)
{
    struct dld_workspace_stats *stats = dld_seen_workspace(store, workspace);
    uint16_t owned = (uint16_t)(key & PAYLOAD_HASH);
    uint16_t unowned = (uint16_t)(owned | PAYLOAD_UNOWNED);
    bool is_new = false;

    if (stats == NULL) {
        return false;
    }
    if (has_payload(&store->visitors, key, unowned)) {
        return true;
    }
    if (!dld_idset_add_once(&store->visitors, key, owned, &is_new)) {
        return false;
    }
    stats->numbers.visitors += is_new ? 1 : 0;
    return !is_unowned || dld_idset_add(&store->visitors, key, unowned);
}

bool dld_seen_user(struct dld_sqlite *store, uint64_t key, uint32_t workspace)
{
    struct dld_workspace_stats *stats = dld_seen_workspace(store, workspace);
    bool is_new = false;

    if (stats == NULL ||
        !dld_idset_add_once(&store->users, key, (uint16_t)(key & PAYLOAD_HASH),
                            &is_new)) {
        return false;
    }
    stats->numbers.users += is_new ? 1 : 0;
    return true;
}

void dld_seen_forget_visitor(struct dld_sqlite *store, uint64_t key,
                             uint32_t workspace)
{
    struct dld_workspace_stats *stats = dld_seen_workspace(store, workspace);
    uint16_t owned = (uint16_t)(key & PAYLOAD_HASH);

    if (stats != NULL && has_payload(&store->visitors, key, owned)) {
        dld_idset_remove(&store->visitors, key, owned);
        dld_idset_remove(&store->visitors, key,
                         (uint16_t)(owned | PAYLOAD_UNOWNED));
        stats->numbers.visitors--;
    }
}

void dld_seen_forget_user(struct dld_sqlite *store, uint64_t key,
                          uint32_t workspace)
{
    struct dld_workspace_stats *stats = dld_seen_workspace(store, workspace);
    uint16_t payload = (uint16_t)(key & PAYLOAD_HASH);

    if (stats != NULL && has_payload(&store->users, key, payload)) {
        dld_idset_remove(&store->users, key, payload);
        stats->numbers.users--;
    }
}

bool dld_seen_row(struct dld_sqlite *store, const struct dld_tail *tail,
                  uint32_t index)
{
    uint32_t workspace = tail->workspaces[index];
    uint64_t anonymous = tail->keys[DLD_KEY_ANONYMOUS][index];
    uint64_t user = tail->keys[DLD_KEY_USER][index];
    struct dld_workspace_stats *stats = dld_seen_workspace(store, workspace);

    if (stats == NULL) {
        return false;
    }
    stats->numbers.events++;
    return (anonymous == 0 ||
            dld_seen_visitor(store, anonymous, workspace, user == 0)) &&
           (user == 0 || dld_seen_user(store, user, workspace));
}

void dld_seen_clear(struct dld_sqlite *store)
{
    dld_idset_clear(&store->ids);
    dld_idset_clear(&store->visitors);
    dld_idset_clear(&store->users);
    for (size_t i = 0; i < store->workspace_count; i++) {
        store->workspaces[i].numbers = (struct dld_store_stats){0};
        store->workspaces[i].is_dirty = true;
    }
}

void dld_seen_unload(struct dld_sqlite *store)
{
    dld_idset_clear(&store->ids);
    dld_idset_clear(&store->visitors);
    dld_idset_clear(&store->users);
    for (size_t i = 0; i < store->workspace_count; i++) {
        struct dld_store_stats *numbers = &store->workspaces[i].numbers;

        numbers->events = 0;
        numbers->visitors = 0;
        numbers->users = 0;
    }
}

bool dld_sqlite_may_have_unowned(void *self, uint32_t workspace,
                                 struct dlr_text anonymous)
{
    struct dld_sqlite *store = self;
    uint64_t key =
        dld_sqlite_key(store, DLD_KEY_ANONYMOUS, workspace, anonymous);
    uint16_t payload = (uint16_t)((key & PAYLOAD_HASH) | PAYLOAD_UNOWNED);
    bool answer;

    (void)dld_sqlite_await_recovery(store); /* the scan before it failed */
    dlr_mutex_lock(&store->seen_lock);
    answer = has_payload(&store->visitors, key, payload);
    dlr_mutex_unlock(&store->seen_lock);
    return answer;
}

bool dld_sqlite_stats(void *self, uint32_t workspace,
                      struct dld_store_stats *out)
{
    struct dld_sqlite *store = self;
    struct dld_workspace_stats *stats;

    *out = (struct dld_store_stats){0};
    if (!dld_sqlite_await_recovery(store)) {
        return false;
    }
    dlr_mutex_lock(&store->seen_lock);
    stats = dld_seen_workspace(store, workspace);
    if (stats != NULL) {
        *out = stats->numbers;
    }
    out->last_seq = store->visible_seq;
    dlr_mutex_unlock(&store->seen_lock);
    return true;
}

void dld_sqlite_count_rejected(void *self, uint32_t workspace, uint64_t count)
{
    struct dld_sqlite *store = self;
    struct dld_workspace_stats *stats;

    dlr_mutex_lock(&store->seen_lock);
    stats = dld_seen_workspace(store, workspace);
    if (stats != NULL && count > 0) {
        stats->numbers.rejected += count;
        stats->is_dirty = true;
    }
    dlr_mutex_unlock(&store->seen_lock);
}

void dld_sqlite_count_verdicts(void *self, uint32_t workspace,
                               uint64_t duplicates, uint64_t conflicts)
{
    struct dld_sqlite *store = self;
    struct dld_workspace_stats *stats;

    dlr_mutex_lock(&store->seen_lock);
    stats = dld_seen_workspace(store, workspace);
    if (stats != NULL && duplicates > 0) {
        stats->numbers.duplicates += duplicates;
        stats->numbers.id_conflicts += conflicts;
        stats->is_dirty = true;
    }
    dlr_mutex_unlock(&store->seen_lock);
}
