/* SPDX-License-Identifier: MIT */
/*
 * Bundle: shared text with a count of its owners.
 *
 * DESIGN
 * Five hundred readers of the same events hold one text. The list owns a share
 * of each bundle, so that it knows what they take together; a bundle of which
 * only that share is left goes at the next sweep.
 */
#include "api/bundle.h"

#include "base/mem.h"

#define FIRST_MARKS 16u

struct dld_bundle *dld_bundle_new(size_t max_bytes)
{
    struct dld_bundle *bundle = dlr_calloc(1, sizeof *bundle);

    if (bundle != NULL) {
        dlr_buf_init(&bundle->text, max_bytes);
        atomic_init(&bundle->owners, 1);
    }
    return bundle;
}

static bool make_room(struct dld_bundle *bundle)
{
    uint32_t capacity =
        bundle->capacity == 0 ? FIRST_MARKS : bundle->capacity * 2;
    struct dld_mark *larger;

    if (bundle->count < bundle->capacity) {
        return true;
    }
    larger = dlr_realloc(bundle->marks, capacity * sizeof *larger);
    if (larger == NULL) {
        return false;
    }
    bundle->marks = larger;
    bundle->capacity = capacity;
    return true;
}

bool dld_bundle_add(struct dld_bundle *bundle, uint64_t seq,
                    struct dlr_text message)
{
    if (!make_room(bundle)) {
        return false;
    }
    dlr_buf_append_text(&bundle->text, message);
    if (bundle->text.failed) {
        return false;
    }
    bundle->marks[bundle->count++] =
        (struct dld_mark){.seq = seq, .end = bundle->text.len};
    return true;
}

size_t dld_bundle_begin(const struct dld_bundle *bundle, uint32_t index)
{
    return index == 0 ? 0 : bundle->marks[index - 1].end;
}

struct dld_bundle *dld_bundle_share(struct dld_bundle *bundle)
{
    atomic_fetch_add_explicit(&bundle->owners, 1, memory_order_relaxed);
    return bundle;
}

void dld_bundle_release(struct dld_bundle **bundle)
{
    struct dld_bundle *old = *bundle;

    *bundle = NULL;
    if (old != NULL &&
        atomic_fetch_sub_explicit(&old->owners, 1, memory_order_acq_rel) == 1) {
        dlr_buf_clear(&old->text);
        dlr_free(old->marks);
        dlr_free(old);
    }
}

static size_t weigh(const struct dld_bundle *bundle)
{
    return sizeof *bundle + bundle->text.cap +
           bundle->capacity * sizeof *bundle->marks;
}

void dld_bundles_keep(struct dld_bundles *bundles, struct dld_bundle **bundle)
{
    if (bundles->last == NULL) {
        bundles->first = *bundle;
    } else {
        bundles->last->next = *bundle;
    }
    bundles->last = *bundle;
    bundles->bytes += weigh(*bundle);
    *bundle = NULL;
}

static void drop(struct dld_bundles *bundles, bool is_all)
{
    struct dld_bundle **at = &bundles->first;

    bundles->last = NULL;
    while (*at != NULL) {
        struct dld_bundle *bundle = *at;

        if (is_all ||
            atomic_load_explicit(&bundle->owners, memory_order_acquire) == 1) {
            *at = bundle->next;
            bundle->next = NULL;
            bundles->bytes -= weigh(bundle);
            dld_bundle_release(&bundle);
        } else {
            bundles->last = bundle;
            at = &bundle->next;
        }
    }
}

void dld_bundles_sweep(struct dld_bundles *bundles)
{
    drop(bundles, false);
}

void dld_bundles_clear(struct dld_bundles *bundles)
{
    drop(bundles, true);
}
