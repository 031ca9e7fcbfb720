/* SPDX-License-Identifier: MIT */
/*
 * Live: one thread that looks at new rows for everybody who waits.
 *
 * DESIGN
 * A request that comes in first looks at what is stored, by its own index;
 * from then on each new row is read once and shown to all. So a hundred
 * waiters cost one scan, and none can miss a row: where a waiter's own look
 * ended, the common one begins. Waiters are told at each commit, live streams
 * in turns (channel.c).
 *
 * LOCKING
 * `lock` guards what other threads hand in. The list of those who wait belongs
 * to the thread alone.
 */
#include "api/live.h"

#include "api/channel.h"
#include "api/render.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/thread.h"

#include <inttypes.h>

/* Rows looked through for near misses, newest first. */
#define MISS_ROWS_MAX 2000
#define MISSES_MAX    3
#define ARENA_MAX     (64u << 20)

struct dld_live {
    struct dld_store *store;
    struct dlr_thread thread;
    struct dlr_buf arena;
    /* the thread's own */
    struct dld_channels channels;
    struct dld_waiter *waiting;
    uint64_t seen_seq; /* all of `waiting` have looked so far */

    struct dlr_mutex lock;
    struct dlr_cond wake;
    struct dld_waiter *incoming;
    struct dld_stream_client *incoming_streams;
    uint64_t committed_seq;
    bool is_watched; /* a commit is waited for */
    bool is_stopping;
};

/* ------------------------------------------------------------------ answers */

static void release(struct dld_waiter *waiter)
{
    struct dld_request *request = waiter->work->request;

    dlr_buf_clear(&waiter->body);
    dlr_free(waiter);
    dld_request_resume(request);
}

static void begin_answer(const struct dld_waiter *waiter, struct dlr_buf *body,
                         bool is_complete)
{
    dlr_buf_init(body, DLD_ANSWER_MAX);
    dlr_buf_append_char(body, '{');
    dld_render_bool(body, "success", is_complete);
    dld_render_number(body, "count", waiter->count);
    dld_render_number(body, "expected", waiter->wanted);
    dlr_buf_append_string(body, ",\"events\":[");
    dlr_buf_append_text(body, dlr_buf_text(&waiter->body));
    /* With the text cut short no answer may leave. */
    body->failed = body->failed || waiter->body.failed;
    dlr_buf_append_char(body, ']');
    dld_render_cursor(body, "cursor", waiter->last_seq);
}

static void answer_complete(struct dld_waiter *waiter)
{
    struct dlr_buf body;

    begin_answer(waiter, &body, true);
    dlr_buf_append_char(&body, '}');
    dld_reply_json(waiter->work->request, 200, &body);
    release(waiter);
}

static void answer_unread(struct dld_waiter *waiter, datalyr_status status,
                          const datalyr_error *error)
{
    dld_api_store_failed(waiter->work, status, error);
    release(waiter);
}

static void answer_stopping(struct dld_waiter *waiter)
{
    dld_reply_error(waiter->work->request, 503, "the collector is stopping",
                    NULL, NULL);
    release(waiter);
}

struct misses {
    const struct dld_waiter *waiter;
    struct dlr_buf *arena;
    struct dlr_buf found[MISSES_MAX];
    unsigned failed[MISSES_MAX];
    unsigned count;
    unsigned rows;
};

/* The place of a miss among the best ones, or MISSES_MAX. */
static unsigned rank(const struct misses *misses, unsigned failed)
{
    unsigned place = 0;

    while (place < misses->count && misses->failed[place] <= failed) {
        place++;
    }
    return place;
}

static void keep_miss(struct misses *misses, const struct dld_row *row,
                      const struct dld_event *event, const char *field,
                      unsigned failed)
{
    unsigned place = rank(misses, failed);
    struct dlr_buf text;

    if (place == MISSES_MAX) {
        return;
    }
    dlr_buf_init(&text, DLD_ANSWER_MAX);
    dlr_buf_append_char(&text, '{');
    dld_render_text(&text, "differs", dlr_text_of(field));
    dlr_buf_append_string(&text, ",\"event\":");
    dld_render_event(&text, row, event);
    dlr_buf_append_char(&text, '}');
    if (misses->count == MISSES_MAX) {
        dlr_buf_clear(&misses->found[--misses->count]);
    }
    for (unsigned i = misses->count; i > place; i--) {
        misses->found[i] = misses->found[i - 1];
        misses->failed[i] = misses->failed[i - 1];
    }
    misses->found[place] = text;
    misses->failed[place] = failed;
    misses->count++;
}

static bool look_for_miss(void *self, const struct dld_row *row)
{
    struct misses *misses = self;
    struct dld_event event;
    const char *field;
    unsigned failed;

    if (!dld_render_read(row, misses->arena, &event)) {
        return false;
    }
    field = dld_filter_miss(&misses->waiter->filter, row, &event, &failed);
    if (field != NULL) {
        keep_miss(misses, row, &event, field, failed);
    }
    return ++misses->rows < MISS_ROWS_MAX;
}

static void put_misses(struct dld_live *live, const struct dld_waiter *waiter,
                       struct dlr_buf *body)
{
    struct misses misses = {.waiter = waiter, .arena = &live->arena};
    struct dld_scan scan = {
        .workspace = waiter->work->workspace,
        .since_ms = DLD_TIME_MIN,
        .until_ms = DLD_TIME_MAX,
        .after = waiter->filter.after,
        .descending = true,
    };
    datalyr_error error;

    /* What cannot be read is not shown; the answer is a time-out anyway. */
    (void)live->store->scan(live->store->self, &scan, look_for_miss, &misses,
                            &error);
    dlr_buf_append_string(body, ",\"nearMisses\":[");
    for (unsigned i = 0; i < misses.count; i++) {
        dlr_buf_append_string(body, i == 0 ? "" : ",");
        dlr_buf_append_text(body, dlr_buf_text(&misses.found[i]));
        dlr_buf_clear(&misses.found[i]);
    }
    dlr_buf_append_char(body, ']');
}

static void answer_timeout(struct dld_live *live, struct dld_waiter *waiter)
{
    struct dlr_buf body;

    begin_answer(waiter, &body, false);
    dlr_buf_printf(&body,
                   ",\"error\":\"%" PRIu64 " of %" PRIu64
                   " events came before the time was over\"",
                   waiter->count, waiter->wanted);
    dld_render_text(&body, "hint",
                    DLR_TEXT("nearMisses shows what came closest and the "
                             "parameter that differs"));
    put_misses(live, waiter, &body);
    dlr_buf_append_char(&body, '}');
    dld_reply_json(waiter->work->request, 408, &body);
    release(waiter);
}

/* ----------------------------------------------------------------- matching */

/* Who is shown a row: one of those who wait, or all. */
struct look {
    struct dld_live *live;
    struct dld_waiter *waiter;
};

static void show(struct dld_waiter *waiter, const struct dld_row *row,
                 const struct dld_event *event)
{
    if (waiter->count == waiter->wanted || row->seq <= waiter->last_seq ||
        row->workspace != waiter->work->workspace) {
        return;
    }
    waiter->last_seq = row->seq;
    if (dld_filter_matches(&waiter->filter, row, event)) {
        dlr_buf_append_string(&waiter->body, waiter->count == 0 ? "" : ",");
        dld_render_event(&waiter->body, row, event);
        waiter->count++;
    }
}

static bool show_row(void *self, const struct dld_row *row)
{
    struct look *look = self;
    struct dld_event event;

    if (!dld_render_read(row, &look->live->arena, &event)) {
        return false;
    }
    if (look->waiter != NULL) {
        show(look->waiter, row, &event);
        return look->waiter->count < look->waiter->wanted;
    }
    for (struct dld_waiter *waiter = look->live->waiting; waiter != NULL;
         waiter = waiter->next) {
        show(waiter, row, &event);
    }
    return true;
}

/* What was stored before the request came, by the keys of its filter. */
static datalyr_status catch_up(struct dld_live *live, struct dld_waiter *waiter,
                               uint64_t until_seq, datalyr_error *error)
{
    struct look look = {.live = live, .waiter = waiter};
    struct dld_scan scan;
    datalyr_status status;

    dld_filter_to_scan(&waiter->filter, waiter->work->workspace, &scan);
    scan.before = until_seq + 1;
    status =
        live->store->scan(live->store->self, &scan, show_row, &look, error);
    if (waiter->count < waiter->wanted && waiter->last_seq < until_seq) {
        waiter->last_seq = until_seq;
    }
    return status;
}

/* New rows, once for all. If they cannot be read they stay new: they are
 * looked at again with the next ones, or when somebody's time is over. */
static void look_at_new(struct dld_live *live, uint64_t until_seq)
{
    struct look look = {.live = live};
    datalyr_status status = DATALYR_OK;
    struct dld_scan scan = {
        .since_ms = DLD_TIME_MIN,
        .until_ms = DLD_TIME_MAX,
        .after = live->seen_seq,
        .before = until_seq + 1,
    };
    datalyr_error error;

    if (until_seq <= live->seen_seq) {
        return;
    }
    if (live->waiting != NULL) {
        status = live->store->scan(live->store->self, &scan, show_row, &look,
                                   &error);
    }
    if (status == DATALYR_OK) {
        live->seen_seq = until_seq;
    }
}

/* --------------------------------------------------------------- the thread */

static void adopt(struct dld_live *live, struct dld_waiter *incoming)
{
    while (incoming != NULL) {
        struct dld_waiter *waiter = incoming;
        datalyr_error error = {0};
        datalyr_status status;

        incoming = waiter->next;
        status = catch_up(live, waiter, live->seen_seq, &error);
        if (status != DATALYR_OK) {
            answer_unread(waiter, status, &error);
            continue;
        }
        waiter->next = live->waiting;
        live->waiting = waiter;
    }
}

static void refuse_stream(struct dld_stream_client *stream)
{
    dld_stream_end(stream);
    dld_stream_release(&stream);
}

static void adopt_streams(struct dld_live *live,
                          struct dld_stream_client *incoming)
{
    while (incoming != NULL) {
        struct dld_stream_client *stream = incoming;

        incoming = *dld_stream_next(stream);
        if (!dld_channels_add(&live->channels, stream)) {
            refuse_stream(stream);
        }
    }
}

/* Answers those who have enough or no time left. Returns how long nobody's
 * time is over. */
static uint64_t settle(struct dld_live *live, bool is_stopping)
{
    struct dld_waiter **at = &live->waiting;
    int64_t now_ms = dlr_clock_monotonic_ms();
    uint64_t rest_ms = 60000;

    while (*at != NULL) {
        struct dld_waiter *waiter = *at;
        bool is_complete = waiter->count >= waiter->wanted;
        bool is_late = now_ms >= waiter->deadline_ms;

        if (!is_complete && !is_late && !is_stopping) {
            uint64_t left_ms = (uint64_t)(waiter->deadline_ms - now_ms);

            rest_ms = left_ms < rest_ms ? left_ms : rest_ms;
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        if (is_complete) {
            answer_complete(waiter);
        } else if (is_late) {
            answer_timeout(live, waiter);
        } else {
            answer_stopping(waiter);
        }
    }
    return rest_ms;
}

/* What a restart found was never told to us by a commit. */
static uint64_t stored_seq(struct dld_live *live, uint64_t committed_seq)
{
    struct dld_store_stats stats;

    /* Zero while it cannot be read: then nothing is new either. */
    (void)live->store->stats(live->store->self, 0, &stats);
    return stats.last_seq > committed_seq ? stats.last_seq : committed_seq;
}

/* What other threads handed in. */
struct news {
    struct dld_waiter *waiters;
    struct dld_stream_client *streams;
    uint64_t committed_seq;
    bool is_stopping;
};

/* Waits at most so long for something new: for a commit only if somebody is to
 * be told of it now. */
static struct news take_news(struct dld_live *live, uint64_t handled_seq,
                             uint64_t rest_ms)
{
    struct news news;

    dlr_mutex_lock(&live->lock);
    live->is_watched = live->waiting != NULL || live->channels.is_eager;
    if (live->incoming == NULL && live->incoming_streams == NULL &&
        !live->is_stopping && rest_ms > 0 &&
        (!live->is_watched || live->committed_seq <= handled_seq)) {
        (void)dlr_cond_wait_ms(&live->wake, &live->lock, rest_ms);
    }
    news = (struct news){live->incoming, live->incoming_streams,
                         live->committed_seq, live->is_stopping};
    live->incoming = NULL;
    live->incoming_streams = NULL;
    dlr_mutex_unlock(&live->lock);
    return news;
}

static void run(void *self)
{
    struct dld_live *live = self;
    bool is_stopping = false;
    uint64_t handled_seq = 0;
    uint64_t rest_ms = 0;

    while (!is_stopping) {
        struct news news = take_news(live, handled_seq, rest_ms);
        uint64_t streams_rest_ms;

        is_stopping = news.is_stopping;
        handled_seq = news.committed_seq;
        if (news.waiters != NULL || news.streams != NULL) {
            news.committed_seq = stored_seq(live, news.committed_seq);
        }
        look_at_new(live, news.committed_seq);
        adopt(live, news.waiters);
        rest_ms = settle(live, is_stopping);
        adopt_streams(live, news.streams);
        streams_rest_ms =
            dld_channels_turn(&live->channels, news.committed_seq);
        rest_ms = rest_ms < streams_rest_ms ? rest_ms : streams_rest_ms;
    }
    dld_channels_end(&live->channels);
}

datalyr_status dld_live_start(struct dld_store *store, struct dld_live **out)
{
    struct dld_live *live = dlr_calloc(1, sizeof *live);

    *out = NULL;
    if (live == NULL) {
        return DATALYR_NOMEM;
    }
    live->store = store;
    dlr_buf_init(&live->arena, ARENA_MAX);
    dld_channels_init(&live->channels, store);
    if (dlr_mutex_init(&live->lock) != 0 || dlr_cond_init(&live->wake) != 0 ||
        dlr_thread_start(&live->thread, "dld-live", run, live) != 0) {
        dlr_free(live);
        return DATALYR_NOMEM;
    }
    *out = live;
    return DATALYR_OK;
}

void dld_live_stop(struct dld_live *live)
{
    if (live == NULL) {
        return;
    }
    dlr_mutex_lock(&live->lock);
    live->is_stopping = true;
    dlr_cond_signal(&live->wake);
    dlr_mutex_unlock(&live->lock);
    dlr_thread_join(&live->thread);
}

void dld_live_free(struct dld_live *live)
{
    if (live == NULL) {
        return;
    }
    dlr_buf_clear(&live->arena);
    dld_channels_clear(&live->channels);
    dlr_cond_clear(&live->wake);
    dlr_mutex_clear(&live->lock);
    dlr_free(live);
}

void dld_live_commit(void *self, uint64_t last_seq)
{
    struct dld_live *live = self;

    dlr_mutex_lock(&live->lock);
    live->committed_seq = last_seq;
    if (live->is_watched) {
        dlr_cond_signal(&live->wake);
    }
    dlr_mutex_unlock(&live->lock);
}

void dld_live_wait(struct dld_live *live, struct dld_waiter **waiter)
{
    struct dld_waiter *refused = NULL;

    dlr_mutex_lock(&live->lock);
    if (live->is_stopping) {
        refused = *waiter;
    } else {
        (*waiter)->next = live->incoming;
        live->incoming = *waiter;
        dlr_cond_signal(&live->wake);
    }
    *waiter = NULL;
    dlr_mutex_unlock(&live->lock);
    if (refused != NULL) {
        answer_stopping(refused);
    }
}

void dld_live_watch(struct dld_live *live, struct dld_stream_client *stream)
{
    bool is_refused;

    dlr_mutex_lock(&live->lock);
    is_refused = live->is_stopping;
    if (!is_refused) {
        *dld_stream_next(stream) = live->incoming_streams;
        live->incoming_streams = stream;
        dlr_cond_signal(&live->wake);
    }
    dlr_mutex_unlock(&live->lock);
    if (is_refused) {
        refuse_stream(stream);
    }
}
