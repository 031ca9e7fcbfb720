/* SPDX-License-Identifier: MIT */
/*
 * The queue against a model of it: thousands of random operations, and after
 * each one both must agree on every event.
 *
 * The model is a table of events in the order of their acceptance. It does not
 * know segments, so under the ceiling of bytes it learns from the ledger how
 * many events were evicted; which ones it knows by itself.
 */
#include "support/queue_rig.h"

#include "support/random.h"

#include <stdio.h>

#define EVENTS_MAX 60000u
#define SLICES_MAX 12u
#define OPERATIONS 20000u

enum where {
    WAITING,
    IN_SLICE,
    DELIVERED,
    DROPPED, /* to be reported */
    GONE     /* reported, or its body was given up */
};

struct model_event {
    enum where where;
    unsigned slice;
    datalyr_drop_reason reason;
};

struct world {
    struct queue_rig *rig;
    struct test_random random;
    struct model_event *events; /* each one's number is its place here */
    uint32_t count;
    uint32_t oldest; /* all before it are settled */
    struct dlr_slice slices[SLICES_MAX];
    bool is_used[SLICES_MAX];
    bool is_resting[SLICES_MAX];
    uint64_t unreported[DATALYR_DROP_COUNT];
    uint64_t reported;
    char *text;
};

static uint64_t below(struct world *world, uint64_t limit)
{
    return test_random_below(&world->random, limit);
}

/* "n:xxxx…": the number tells which event it is. */
static uint32_t number_of(struct dlr_text json)
{
    uint32_t number = 0;

    for (size_t i = 0; json.ptr[i] != ':'; i++) {
        number = number * 10 + (uint32_t)(json.ptr[i] - '0');
    }
    return number;
}

static bool is_evictable(const struct world *world,
                         const struct model_event *event)
{
    return event->where == WAITING ||
           (event->where == IN_SLICE && world->is_resting[event->slice]);
}

static void drop_in_model(struct world *world, uint32_t number,
                          datalyr_drop_reason reason)
{
    world->events[number].where =
        world->rig->queue.config.keeps_dropped ? DROPPED : GONE;
    world->events[number].reason = reason;
}

static void evict_in_model(struct world *world, uint64_t count)
{
    for (uint32_t i = world->oldest; i < world->count && count > 0; i++) {
        if (is_evictable(world, &world->events[i])) {
            drop_in_model(world, i, DATALYR_DROP_QUEUE_OVERFLOW);
            count--;
        }
    }
    assert_int_equal(count, 0);
}

static void append(struct world *world)
{
    uint64_t before =
        queue_rig_ledger(world->rig).dropped[DATALYR_DROP_QUEUE_OVERFLOW];
    size_t len = below(world, 20) == 0 ? (size_t)below(world, 30000)
                                       : (size_t)below(world, 600);
    int head = snprintf(world->text, 16, "%u:", world->count);
    bool wakes;
    datalyr_ledger ledger;
    datalyr_status status;

    assert_true(world->count < EVENTS_MAX);
    world->text[head] = 'x';
    status = dlr_queue_append(&world->rig->queue,
                              dlr_text_n(world->text, len + (size_t)head), NULL,
                              &wakes);
    ledger = queue_rig_ledger(world->rig);
    evict_in_model(world, ledger.dropped[DATALYR_DROP_QUEUE_OVERFLOW] - before);
    if (status == DATALYR_OK) {
        world->events[world->count++].where = WAITING;
    } else {
        assert_int_equal(status, DATALYR_QUEUE_FULL);
    }
}

/* Checks that the slice holds what the model says, in order. */
static void check_slice(struct world *world, unsigned slice)
{
    struct dlr_walk walk = dlr_slice_walk(&world->slices[slice]);
    struct dlr_position at;
    struct dlr_text json;
    uint32_t next = world->oldest;

    while (dlr_walk_next(&walk, &at, &json)) {
        while (next < world->count && (world->events[next].where != IN_SLICE ||
                                       world->events[next].slice != slice)) {
            next++;
        }
        assert_int_equal(number_of(json), next);
        next++;
    }
    for (; next < world->count; next++) {
        assert_false(world->events[next].where == IN_SLICE &&
                     world->events[next].slice == slice);
    }
}

static bool find_slice(struct world *world, bool is_used, bool is_resting,
                       unsigned *out)
{
    unsigned start = (unsigned)below(world, SLICES_MAX);

    for (unsigned i = 0; i < SLICES_MAX; i++) {
        unsigned slice = (start + i) % SLICES_MAX;

        if (world->is_used[slice] == is_used &&
            world->is_resting[slice] == is_resting) {
            *out = slice;
            return true;
        }
    }
    return false;
}

static void take(struct world *world)
{
    uint32_t max = 1 + (uint32_t)below(world, 150);
    uint32_t left;
    unsigned slice;

    if (!find_slice(world, false, false, &slice) ||
        !dlr_queue_take(&world->rig->queue, max, (size_t)below(world, 40000),
                        &world->slices[slice])) {
        return;
    }
    left = world->slices[slice].live;
    world->is_used[slice] = true;
    for (uint32_t i = world->oldest; i < world->count && left > 0; i++) {
        if (world->events[i].where == WAITING) {
            world->events[i].where = IN_SLICE;
            world->events[i].slice = slice;
            left--;
        }
    }
    assert_int_equal(left, 0);
    check_slice(world, slice);
}

/* Delivers with some of them rejected. */
static void deliver(struct world *world)
{
    uint32_t rejected[64] = {0};
    size_t count = 0;
    uint32_t index = 0;
    unsigned slice;

    if (!find_slice(world, true, false, &slice)) {
        return;
    }
    for (uint32_t i = world->oldest; i < world->count; i++) {
        struct model_event *event = &world->events[i];

        if (event->where != IN_SLICE || event->slice != slice) {
            continue;
        }
        event->where = DELIVERED;
        if (count < 64 && below(world, 8) == 0) {
            rejected[count++] = index;
            drop_in_model(world, i, DATALYR_DROP_REJECTED_BY_SERVER);
        }
        index++;
    }
    dlr_queue_deliver(&world->rig->queue, &world->slices[slice], rejected,
                      count, 0);
    if (count > 0) {
        dlr_queue_drop(&world->rig->queue, &world->slices[slice],
                       DATALYR_DROP_REJECTED_BY_SERVER);
    }
    world->is_used[slice] = false;
}

static void drop(struct world *world)
{
    datalyr_drop_reason reason = DATALYR_DROP_PERMANENT_CLIENT_ERROR;
    unsigned slice;

    if (!find_slice(world, true, false, &slice)) {
        return;
    }
    for (uint32_t i = world->oldest; i < world->count; i++) {
        if (world->events[i].where == IN_SLICE &&
            world->events[i].slice == slice) {
            drop_in_model(world, i, reason);
        }
    }
    dlr_queue_drop(&world->rig->queue, &world->slices[slice], reason);
    world->is_used[slice] = false;
}

static void drop_some(struct world *world)
{
    struct dlr_walk walk;
    struct dlr_position at;
    struct dlr_text json;
    unsigned slice;

    if (!find_slice(world, true, false, &slice)) {
        return;
    }
    walk = dlr_slice_walk(&world->slices[slice]);
    while (dlr_walk_next(&walk, &at, &json)) {
        if (below(world, 3) == 0) {
            drop_in_model(world, number_of(json), DATALYR_DROP_BEFORE_SEND);
            dlr_queue_drop_one(&world->rig->queue, &world->slices[slice], at,
                               DATALYR_DROP_BEFORE_SEND);
        }
    }
    world->is_used[slice] = world->slices[slice].live > 0;
}

static void rest(struct world *world)
{
    unsigned slice;

    if (find_slice(world, true, false, &slice)) {
        dlr_queue_rest(&world->rig->queue, &world->slices[slice]);
        world->is_resting[slice] = true;
    }
}

static void resume(struct world *world)
{
    unsigned slice;

    if (find_slice(world, true, true, &slice)) {
        dlr_queue_resume(&world->rig->queue, &world->slices[slice]);
        world->is_resting[slice] = false;
        check_slice(world, slice);
        world->is_used[slice] = world->slices[slice].live > 0;
    }
}

static void split(struct world *world)
{
    unsigned slice;
    unsigned second;
    uint32_t keep;

    if (!find_slice(world, true, false, &slice) ||
        !find_slice(world, false, false, &second) ||
        world->slices[slice].live < 2) {
        return;
    }
    dlr_queue_split(&world->rig->queue, &world->slices[slice],
                    &world->slices[second]);
    world->is_used[second] = true;
    keep = world->slices[slice].live;
    for (uint32_t i = world->oldest; i < world->count; i++) {
        struct model_event *event = &world->events[i];

        if (event->where != IN_SLICE || event->slice != slice) {
            continue;
        }
        if (keep == 0) {
            event->slice = second;
        } else {
            keep--;
        }
    }
    check_slice(world, slice);
    check_slice(world, second);
}

static void report(struct world *world)
{
    struct dlr_position found[40];
    datalyr_drop_reason reason;
    size_t count = dlr_queue_reports(&world->rig->queue, found, 40, &reason);
    uint64_t gone;

    for (size_t i = 0; i < count; i++) {
        uint32_t number = number_of(dlr_position_json(found[i]));

        assert_int_equal(world->events[number].where, DROPPED);
        assert_int_equal(world->events[number].reason, reason);
        world->events[number].where = GONE;
    }
    dlr_queue_reported(&world->rig->queue, found, count);
    world->reported += count;
    gone = dlr_queue_take_unreported(&world->rig->queue, &reason);
    if (gone > 0) {
        world->unreported[reason] += gone;
    }
}

static void check(struct world *world)
{
    datalyr_ledger ledger = queue_rig_ledger(world->rig);
    uint64_t pending = 0;
    uint64_t in_flight = 0;

    assert_conserved(&ledger);
    assert_true(ledger.queue_bytes <= world->rig->queue.config.max_bytes);
    while (world->oldest < world->count &&
           world->events[world->oldest].where >= DELIVERED) {
        world->oldest++;
    }
    for (uint32_t i = world->oldest; i < world->count; i++) {
        const struct model_event *event = &world->events[i];

        pending += event->where <= IN_SLICE ? 1u : 0u;
        in_flight +=
            event->where == IN_SLICE && !world->is_resting[event->slice] ? 1u
                                                                         : 0u;
    }
    assert_int_equal(ledger.pending, pending);
    assert_int_equal(ledger.in_flight, in_flight);
    assert_true(pending <= world->rig->queue.config.max_events);
}

static void operate(struct world *world)
{
    uint64_t dice = below(world, 100);

    if (dice < 70) {
        append(world);
    } else if (dice < 78) {
        take(world);
    } else if (dice < 83) {
        deliver(world);
    } else if (dice < 84) {
        drop(world);
    } else if (dice < 86) {
        drop_some(world);
    } else if (dice < 89) {
        rest(world);
    } else if (dice < 92) {
        resume(world);
    } else if (dice < 94) {
        split(world);
    } else if (dice < 97) {
        report(world);
    } else {
        world->rig->queue.wants_spare = dice == 99;
        dlr_queue_tidy(&world->rig->queue);
    }
    check(world);
}

/* Settles everything; nothing may be left anywhere. */
static void drain(struct world *world)
{
    datalyr_ledger ledger;
    uint64_t unreported = 0;

    for (unsigned i = 0; i < SLICES_MAX; i++) {
        resume(world);
    }
    for (unsigned i = 0; i < SLICES_MAX; i++) {
        deliver(world);
    }
    dlr_queue_drop_waiting(&world->rig->queue, DATALYR_DROP_CLOSE_TIMEOUT);
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->events[i].where == WAITING) {
            drop_in_model(world, i, DATALYR_DROP_CLOSE_TIMEOUT);
        }
    }
    while (world->rig->queue.dead > 0) {
        report(world);
    }
    for (unsigned i = 0; i < DATALYR_DROP_COUNT; i++) {
        report(world);
    }
    ledger = queue_rig_ledger(world->rig);
    for (unsigned i = 0; i < DATALYR_DROP_COUNT; i++) {
        unreported += world->unreported[i];
    }
    assert_int_equal(ledger.pending, 0);
    assert_int_equal(ledger.in_flight, 0);
    assert_int_equal(ledger.dropped_unreported, unreported);
    if (world->rig->queue.config.keeps_dropped) {
        assert_int_equal(world->reported + unreported,
                         datalyr_ledger_dropped(&ledger));
    }
    assert_true(queue_rig_segments(world->rig) <= 1);
    assert_true(world->rig->queue.first == NULL ||
                world->rig->queue.first->pins == 0);
}

static void run(struct dlr_queue_config config, uint64_t seed, bool has_files)
{
    struct world world = {.random = {seed}};

    world.rig = queue_rig_open(config);
    world.rig->queue.maker.has_files = has_files;
    world.events = calloc(EVENTS_MAX, sizeof *world.events);
    world.text = malloc(40000);
    assert_non_null(world.events);
    assert_non_null(world.text);
    memset(world.text, 'x', 40000);
    for (unsigned i = 0; i < OPERATIONS; i++) {
        operate(&world);
    }
    drain(&world);
    free(world.text);
    free(world.events);
    queue_rig_close(world.rig);
}

static void agrees_where_events_are_the_ceiling(void **state)
{
    struct dlr_queue_config config = queue_rig_config();

    (void)state;
    config.max_events = 300;
    run(config, 1, false);
    run(config, 2, false);
}

static void agrees_where_bytes_are_the_ceiling(void **state)
{
    struct dlr_queue_config config = queue_rig_config();

    (void)state;
    config.max_events = 100000;
    config.max_bytes = (uint64_t)192 << 10;
    run(config, 3, false);
    run(config, 4, false);
}

static void agrees_where_the_new_are_refused(void **state)
{
    struct dlr_queue_config config = queue_rig_config();

    (void)state;
    config.max_events = 250;
    config.max_bytes = (uint64_t)128 << 10;
    config.overflow = DATALYR_REFUSE_NEW;
    run(config, 5, false);
}

static void agrees_where_nobody_wants_reports(void **state)
{
    struct dlr_queue_config config = queue_rig_config();

    (void)state;
    config.max_events = 250;
    config.max_bytes = (uint64_t)96 << 10;
    config.keeps_dropped = false;
    run(config, 6, false);
}

/* Memory that is treated as files are: renewed before it is used again. */
static void agrees_where_segments_are_files(void **state)
{
    struct dlr_queue_config config = queue_rig_config();

    (void)state;
    config.max_events = 100000;
    config.max_bytes = (uint64_t)192 << 10;
    config.max_age_ms = INT64_MAX;
    run(config, 7, true);
    config.overflow = DATALYR_REFUSE_NEW;
    run(config, 8, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_where_events_are_the_ceiling),
        cmocka_unit_test(agrees_where_bytes_are_the_ceiling),
        cmocka_unit_test(agrees_where_the_new_are_refused),
        cmocka_unit_test(agrees_where_nobody_wants_reports),
        cmocka_unit_test(agrees_where_segments_are_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
