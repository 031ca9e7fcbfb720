/* SPDX-License-Identifier: MIT */
/*
 * Stream: one client of the live stream.
 *
 * DESIGN
 * A client gets at most so many events a second, and what does not fit into
 * its buffer or its rate is counted. As soon as there is room again it is told
 * the exact number and between which cursors, so a page can fetch them: shown
 * plus announced is always what was stored. The buffer has a ceiling, so five
 * hundred clients that do not read cost what they cost and no more.
 *
 * LOCKING
 * `lock` guards the buffer and the sleep of the connection: the server's thread
 * falls asleep and the live thread wakes it under the same lock, or a wake-up
 * could come just before the sleep.
 */
#include "api/stream.h"

#include "api/render.h"
#include "base/mem.h"
#include "http/target.h"
#include "os/clock.h"
#include "os/thread.h"

#include <inttypes.h>
#include <string.h>

#define BUFFER_MAX 262144

/* Room that a message about a gap needs. */
#define GAP_BYTES 160

/* Proxies close what is silent for a minute. */
#define PING_INTERVAL_MS 15000

static const struct dld_limit stream_limit = {.per_second = 500, .burst = 1000};

struct dld_stream_client {
    struct dld_request *request;
    struct dld_target target; /* own copy: the request may go first */
    struct dld_filter filter; /* texts are the target's */
    uint32_t workspace;
    struct dld_stream_client *next;

    /* the live thread's own */
    uint64_t place; /* seq looked at so far */
    uint64_t missed;
    uint64_t missed_from; /* seq of the first one missed */
    uint64_t missed_to;
    struct dld_bucket bucket;
    int64_t spoken_ms;

    struct dlr_mutex lock;
    struct dlr_buf buffer;
    size_t taken; /* bytes of the buffer that are sent */
    unsigned owners;
    bool is_sleeping;
    bool is_ending;
    bool is_closed;
};

static long read_bytes(void *self, char *out, size_t cap)
{
    struct dld_stream_client *client = self;
    long count = 0;
    size_t left;

    dlr_mutex_lock(&client->lock);
    left = client->buffer.len - client->taken;
    if (left > 0) {
        count = (long)(left < cap ? left : cap);
        memcpy(out, client->buffer.ptr + client->taken, (size_t)count);
        client->taken += (size_t)count;
        if (client->taken == client->buffer.len) {
            dlr_buf_rewind(&client->buffer, 0);
            client->taken = 0;
        }
    } else if (client->is_ending) {
        count = -1;
    } else {
        client->is_sleeping = true;
        dld_request_sleep(client->request);
    }
    dlr_mutex_unlock(&client->lock);
    return count;
}

/* Called with the lock. */
static void wake(struct dld_stream_client *client)
{
    if (client->is_sleeping && !client->is_closed) {
        client->is_sleeping = false;
        dld_request_wake(client->request);
    }
}

/* Moves what is not sent to the front if that makes room. */
static bool has_room(struct dld_stream_client *client, size_t bytes)
{
    struct dlr_buf *buffer = &client->buffer;

    if (buffer->len + bytes > BUFFER_MAX && client->taken > 0) {
        memmove(buffer->ptr, buffer->ptr + client->taken,
                buffer->len - client->taken);
        dlr_buf_rewind(buffer, buffer->len - client->taken);
        client->taken = 0;
    }
    return buffer->len + bytes <= BUFFER_MAX;
}

/* Appends a whole message or nothing. */
static bool say(struct dld_stream_client *client, struct dlr_text message)
{
    bool is_said;

    dlr_mutex_lock(&client->lock);
    is_said = !client->is_closed && has_room(client, message.len);
    if (is_said) {
        dlr_buf_append_text(&client->buffer, message);
        is_said = !client->buffer.failed;
        wake(client);
    }
    dlr_mutex_unlock(&client->lock);
    return is_said;
}

static bool say_gap(struct dld_stream_client *client)
{
    char storage[GAP_BYTES];
    struct dlr_buf message;

    if (client->missed == 0) {
        return true;
    }
    dlr_buf_init_fixed(&message, storage, sizeof storage);
    dlr_buf_printf(&message,
                   "event: gap\nid: c%" PRIu64 "\ndata: {\"missed\":%" PRIu64
                   ",\"from\":\"c%" PRIu64 "\",\"to\":\"c%" PRIu64 "\"}\n\n",
                   client->missed_to, client->missed, client->missed_from,
                   client->missed_to);
    if (!say(client, dlr_buf_text(&message))) {
        return false;
    }
    client->missed = 0;
    return true;
}

static void miss(struct dld_stream_client *client, uint64_t seq)
{
    if (client->missed == 0) {
        client->missed_from = seq;
    }
    client->missed_to = seq;
    client->missed++;
}

static bool make(struct dld_offer *offer)
{
    if (!offer->is_made) {
        dlr_buf_rewind(offer->text, 0);
        dlr_buf_printf(offer->text,
                       "id: c%" PRIu64 "\ndata: ", offer->row->seq);
        dld_render_event(offer->text, offer->row, offer->event);
        dlr_buf_append_string(offer->text, "\n\n");
        offer->is_made = true;
    }
    return !offer->text->failed;
}

void dld_stream_offer(struct dld_stream_client *client, struct dld_offer *offer)
{
    const struct dld_row *row = offer->row;
    int64_t now_ms = dlr_clock_monotonic_ms();

    if (row->seq <= client->place || row->workspace != client->workspace) {
        return;
    }
    client->place = row->seq;
    if (!dld_filter_matches(&client->filter, row, offer->event)) {
        return;
    }
    if (!make(offer) ||
        !dld_bucket_take(&client->bucket, &stream_limit, now_ms).is_allowed ||
        !say_gap(client) || !say(client, dlr_buf_text(offer->text))) {
        miss(client, row->seq);
        return;
    }
    client->spoken_ms = now_ms;
}

void dld_stream_tick(struct dld_stream_client *client, int64_t now_ms)
{
    struct dld_limit_answer answer = {.is_allowed = true};

    if (client->missed > 0) {
        /* Not while events still pour over the limit: one message about a
         * gap, not one an event. */
        answer = dld_bucket_take(&client->bucket, &stream_limit, now_ms);
        if (answer.is_allowed) {
            (void)say_gap(client);
        }
    }
    if (now_ms - client->spoken_ms >= PING_INTERVAL_MS) {
        (void)say(client, DLR_TEXT(": still here\n\n"));
        client->spoken_ms = now_ms;
    }
}

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
    dlr_buf_init(&client->buffer, BUFFER_MAX);
    dlr_buf_printf(&client->buffer, "retry: 1000\nid: c%" PRIu64 "\n\n", after);
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
    client->is_ending = true;
    wake(client);
    dlr_mutex_unlock(&client->lock);
}

void dld_stream_close(struct dld_stream_client *client)
{
    dlr_mutex_lock(&client->lock);
    client->is_closed = true;
    client->is_sleeping = false;
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
        dlr_buf_clear(&old->buffer);
        dld_target_clear(&old->target);
        dlr_mutex_clear(&old->lock);
        dlr_free(old);
    }
}
