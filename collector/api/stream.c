/* SPDX-License-Identifier: MIT */
/*
 * Stream: one client of the live stream.
 *
 * DESIGN
 * A client gets at most so many events a second. What waits for it are shares
 * of bundles, not copies; what does not fit into its queue or its rate is
 * counted, so a client that has used up its rate costs an addition for
 * thousands of events. Each part of the queue begins with the gap before it,
 * as numbers: a part that has to be given up becomes a longer gap of the next
 * one, and shown plus announced stays what was stored.
 *
 * LOCKING
 * `lock` guards the queue and the sleep of the connection: the server's thread
 * falls asleep and the live thread wakes it under the same lock, or a wake-up
 * could come just before the sleep.
 */
#include "api/stream.h"

#include "base/mem.h"
#include "http/target.h"
#include "ingest/limiter.h"
#include "os/clock.h"
#include "os/thread.h"

#include <inttypes.h>
#include <string.h>

/* Given about ten times a second: who does not read for three seconds
 * misses. */
#define PARTS_MAX 32u

/* Room for a message of our own; a gap is the longest. */
#define NOTE_BYTES 160

/* Proxies close what is silent for a minute. */
#define PING_INTERVAL_MS 15000

/* A gap goes out with the next events, or alone when none came for so long. */
#define GAP_REST_MS 250

static const struct dld_limit stream_limit = {.per_second = 500,
                                              .burst = DLD_STREAM_BURST};

struct gap {
    uint64_t missed;
    uint64_t from; /* seq of the first one */
    uint64_t to;
};

/* A gap, then messages. */
struct part {
    struct gap gap;
    struct dld_bundle *bundle; /* NULL: the gap is all */
    uint32_t count;            /* messages of the bundle, from its first */
    size_t sent;               /* bytes */
    size_t end;
};

/* Text that is not shared. */
struct own {
    struct dlr_buf text;
    size_t sent;
};

struct dld_stream_client {
    struct dld_request *request;
    struct dld_target target; /* own copy: the request may go first */
    struct dld_filter filter; /* texts are the target's */
    uint32_t workspace;
    struct dld_stream_client *next;

    /* the live thread's own */
    uint64_t place; /* where it begins */
    struct gap gap; /* behind the last part */
    int64_t gap_since_ms;
    struct dld_bucket bucket;
    int64_t spoken_ms;

    struct dlr_mutex lock;
    char note_storage[NOTE_BYTES];
    struct own note; /* a greeting, a gap or a ping, before the first part */
    struct own rest; /* of a message whose bundle was given up */
    struct part parts[PARTS_MAX];
    uint32_t first_part;
    uint32_t part_count;
    size_t waiting; /* bytes of all parts */
    unsigned owners;
    bool is_sleeping;
    bool is_ending;
    bool is_closed;
};

/* -------------------------------------------------------------------- gaps */

/* Called for rows that follow each other. */
static void widen(struct gap *gap, uint64_t missed, uint64_t from, uint64_t to)
{
    if (missed > 0) {
        gap->from = gap->missed == 0 ? from : gap->from;
        gap->to = to;
        gap->missed += missed;
    }
}

void dld_stream_write_gap(struct dlr_buf *out, uint64_t missed, uint64_t from,
                          uint64_t to)
{
    dlr_buf_printf(out,
                   "event: gap\nid: c%" PRIu64 "\ndata: {\"missed\":%" PRIu64
                   ",\"from\":\"c%" PRIu64 "\",\"to\":\"c%" PRIu64 "\"}\n\n",
                   to, missed, from, to);
}

/* ----------------------------------------------------------- called locked */

static void wake(struct dld_stream_client *client)
{
    if (client->is_sleeping && !client->is_closed) {
        client->is_sleeping = false;
        dld_request_wake(client->request);
    }
}

static void drop_first(struct dld_stream_client *client)
{
    struct part *part = &client->parts[client->first_part];

    client->waiting -= part->end - part->sent;
    dld_bundle_release(&part->bundle);
    *part = (struct part){0};
    client->first_part = (client->first_part + 1) % PARTS_MAX;
    client->part_count--;
}

static void push(struct dld_stream_client *client, const struct part *part)
{
    client->parts[(client->first_part + client->part_count) % PARTS_MAX] =
        *part;
    client->part_count++;
    client->waiting += part->end;
    wake(client);
}

/* The most messages of a bundle that fit, up to `count`. */
static uint32_t fit(const struct dld_stream_client *client,
                    const struct dld_bundle *bundle, uint32_t count)
{
    size_t room = DLD_STREAM_WAITING_MAX - client->waiting;

    if (client->is_closed || client->is_ending ||
        client->part_count == PARTS_MAX) {
        return 0;
    }
    while (count > 0 && bundle->marks[count - 1].end > room) {
        count--;
    }
    return count;
}

/* Messages of the first part that were not begun yet; what is begun is put
 * aside. */
static uint32_t take_rest(struct dld_stream_client *client, struct part *part)
{
    struct dld_bundle *bundle = part->bundle;
    uint32_t index = 0;
    size_t end;

    while (index < part->count &&
           dld_bundle_begin(bundle, index) < part->sent) {
        index++;
    }
    end = dld_bundle_begin(bundle, index);
    if (end > part->sent) {
        dlr_buf_append(&client->rest.text, bundle->text.ptr + part->sent,
                       end - part->sent);
        /* Without memory it ends in the middle, and comes back behind the last
         * message that was whole. */
        client->is_ending = client->is_ending || client->rest.text.failed;
    }
    return index;
}

/* ------------------------------------------------------- the server's side */

static size_t read_own(struct own *own, char *out, size_t cap)
{
    size_t left = own->text.len - own->sent;
    size_t count = left < cap ? left : cap;

    if (count > 0) {
        memcpy(out, own->text.ptr + own->sent, count);
        own->sent += count;
    }
    if (left > 0 && own->sent == own->text.len) {
        dlr_buf_rewind(&own->text, 0);
        own->sent = 0;
    }
    return count;
}

/* Bytes of the first part; 0 when it is through or its gap is noted. */
static size_t read_part(struct dld_stream_client *client, char *out, size_t cap)
{
    struct part *part = &client->parts[client->first_part];
    size_t count;

    if (part->gap.missed > 0) {
        dld_stream_write_gap(&client->note.text, part->gap.missed,
                             part->gap.from, part->gap.to);
        part->gap.missed = 0;
        return 0;
    }
    count = part->end - part->sent < cap ? part->end - part->sent : cap;
    if (count > 0) {
        memcpy(out, part->bundle->text.ptr + part->sent, count);
        part->sent += count;
        client->waiting -= count;
    }
    if (part->sent == part->end) {
        drop_first(client);
    }
    return count;
}

static bool has_text(const struct dld_stream_client *client)
{
    return client->rest.text.len > 0 || client->note.text.len > 0 ||
           client->part_count > 0;
}

static long read_bytes(void *self, char *out, size_t cap)
{
    struct dld_stream_client *client = self;
    size_t count = 0;
    bool is_over;

    dlr_mutex_lock(&client->lock);
    while (count < cap && has_text(client)) {
        count += read_own(&client->rest, out + count, cap - count);
        count += read_own(&client->note, out + count, cap - count);
        if (client->part_count > 0 && client->note.text.len == 0) {
            count += read_part(client, out + count, cap - count);
        }
    }
    is_over = count == 0 && client->is_ending;
    if (count == 0 && !client->is_ending) {
        client->is_sleeping = true;
        dld_request_sleep(client->request);
    }
    dlr_mutex_unlock(&client->lock);
    return is_over ? -1 : (long)count;
}

/* ------------------------------------------------------ the live thread's */

uint32_t dld_stream_room(struct dld_stream_client *client, int64_t now_ms)
{
    bool is_full;

    dlr_mutex_lock(&client->lock);
    is_full = client->is_closed || client->part_count == PARTS_MAX;
    dlr_mutex_unlock(&client->lock);
    return is_full ? 0
                   : (uint32_t)dld_bucket_left(&client->bucket, &stream_limit,
                                               now_ms);
}

void dld_stream_give(struct dld_stream_client *client,
                     const struct dld_portion *portion, int64_t now_ms)
{
    uint32_t offered = portion->bundle == NULL ? 0 : portion->bundle->count;
    uint64_t left = dld_bucket_left(&client->bucket, &stream_limit, now_ms);
    uint32_t count = left < offered ? (uint32_t)left : offered;

    dlr_mutex_lock(&client->lock);
    count = count == 0 ? 0 : fit(client, portion->bundle, count);
    if (count > 0) {
        push(client, &(struct part){
                         .gap = client->gap,
                         .bundle = dld_bundle_share(portion->bundle),
                         .count = count,
                         .end = portion->bundle->marks[count - 1].end,
                     });
        client->gap = (struct gap){0};
    }
    dlr_mutex_unlock(&client->lock);
    if (count > 0) {
        dld_bucket_use(&client->bucket, &stream_limit, count, now_ms);
        client->spoken_ms = now_ms;
    }
    client->gap_since_ms =
        client->gap.missed == 0 ? now_ms : client->gap_since_ms;
    widen(&client->gap, portion->seen - count,
          count < offered ? portion->bundle->marks[count].seq
                          : portion->bare_seq,
          portion->last_seq);
}

/* Turns the first part into a longer gap before what follows it. */
static void give_up_first(struct dld_stream_client *client)
{
    struct part part = client->parts[client->first_part];
    struct gap gap = part.gap;
    struct gap *next = &client->gap;

    if (part.bundle != NULL) {
        uint32_t index = take_rest(client, &part);

        if (index < part.count) {
            widen(&gap, part.count - index, part.bundle->marks[index].seq,
                  part.bundle->marks[part.count - 1].seq);
        }
    }
    drop_first(client);
    if (client->part_count > 0) {
        next = &client->parts[client->first_part].gap;
    }
    widen(&gap, next->missed, next->from, next->to);
    *next = gap;
}

void dld_stream_give_up(struct dld_stream_client *client,
                        const struct dld_bundle *bundle)
{
    uint32_t count = 0;

    dlr_mutex_lock(&client->lock);
    for (uint32_t i = 0; i < client->part_count; i++) {
        const struct part *part =
            &client->parts[(client->first_part + i) % PARTS_MAX];

        count = part->bundle == bundle ? i + 1 : count;
    }
    while (count-- > 0) {
        give_up_first(client);
    }
    dlr_mutex_unlock(&client->lock);
}

void dld_stream_tick(struct dld_stream_client *client, int64_t now_ms)
{
    bool is_gap_due =
        client->gap.missed > 0 && now_ms - client->gap_since_ms >= GAP_REST_MS;
    bool is_ping_due = now_ms - client->spoken_ms >= PING_INTERVAL_MS;

    if (!is_gap_due && !is_ping_due) {
        return;
    }
    dlr_mutex_lock(&client->lock);
    if (is_gap_due && client->part_count < PARTS_MAX) {
        push(client, &(struct part){.gap = client->gap});
        client->gap = (struct gap){0};
        client->spoken_ms = now_ms;
    } else if (is_ping_due && !has_text(client)) {
        dlr_buf_append_string(&client->note.text, ": still here\n\n");
        client->spoken_ms = now_ms;
        wake(client);
    }
    dlr_mutex_unlock(&client->lock);
}

/* -------------------------------------------------------------------- life */

/* The parameters were checked on the request; here they are read from a copy
 * that lives as long as the client. */
static bool copy_filter(struct dld_stream_client *client)
{
    const struct dld_request *request = client->request;
    const char *fault;

    dld_target_read(&client->target, request->target.raw);
    dld_filter_init(&client->filter);
    for (size_t i = 0; i < client->target.param_count; i++) {
        (void)dld_filter_take(&client->filter, &client->target.params[i],
                              request->received_ms, &fault);
    }
    return client->target.fault == NULL;
}

datalyr_status dld_stream_open(struct dld_work *work, uint64_t after,
                               struct dld_stream_client **out)
{
    struct dld_stream_client *client = dlr_calloc(1, sizeof *client);

    *out = NULL;
    if (client == NULL || dlr_mutex_init(&client->lock) != 0) {
        dlr_free(client);
        return DATALYR_NOMEM;
    }
    client->request = work->request;
    if (!copy_filter(client)) {
        client->owners = 1;
        dld_stream_release(&client);
        return DATALYR_NOMEM;
    }
    client->workspace = work->workspace;
    client->place = after;
    client->owners = 2;
    client->spoken_ms = dlr_clock_monotonic_ms();
    dlr_buf_init(&client->rest.text, DLD_STREAM_MESSAGE_MAX);
    dlr_buf_init_fixed(&client->note.text, client->note_storage, NOTE_BYTES);
    dlr_buf_printf(&client->note.text, "retry: 1000\nid: c%" PRIu64 "\n\n",
                   after);
    work->request->reply.stream =
        (struct dld_stream){.read = read_bytes, .self = client};
    *out = client;
    return DATALYR_OK;
}

uint64_t dld_stream_place(const struct dld_stream_client *client)
{
    return client->place;
}

struct dld_stream_client **dld_stream_next(struct dld_stream_client *client)
{
    return &client->next;
}

const struct dld_filter *
dld_stream_filter(const struct dld_stream_client *client)
{
    return &client->filter;
}

uint32_t dld_stream_workspace(const struct dld_stream_client *client)
{
    return client->workspace;
}

bool dld_stream_is_closed(struct dld_stream_client *client)
{
    bool is_closed;

    dlr_mutex_lock(&client->lock);
    is_closed = client->is_closed;
    dlr_mutex_unlock(&client->lock);
    return is_closed;
}

void dld_stream_end(struct dld_stream_client *client)
{
    dlr_mutex_lock(&client->lock);
    if (client->gap.missed > 0 && client->part_count < PARTS_MAX) {
        push(client, &(struct part){.gap = client->gap});
    }
    client->is_ending = true;
    wake(client);
    dlr_mutex_unlock(&client->lock);
}

void dld_stream_close(struct dld_stream_client *client)
{
    dlr_mutex_lock(&client->lock);
    client->is_closed = true;
    client->is_sleeping = false;
    while (client->part_count > 0) {
        drop_first(client);
    }
    dlr_mutex_unlock(&client->lock);
}

void dld_stream_release(struct dld_stream_client **client)
{
    struct dld_stream_client *old = *client;
    unsigned owners;

    *client = NULL;
    if (old == NULL) {
        return;
    }
    dlr_mutex_lock(&old->lock);
    owners = --old->owners;
    dlr_mutex_unlock(&old->lock);
    if (owners == 0) {
        while (old->part_count > 0) {
            drop_first(old);
        }
        dlr_buf_clear(&old->rest.text);
        dld_target_clear(&old->target);
        dlr_mutex_clear(&old->lock);
        dlr_free(old);
    }
}
