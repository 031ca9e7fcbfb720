/* SPDX-License-Identifier: MIT */
/*
 * Channel: who is shown which rows, in turns.
 *
 * DESIGN
 * A row is read once for all, compared once for each distinct filter, and
 * rendered once if anybody can still be shown it. Then each stream takes what
 * its rate allows of the turn's messages and counts the others: its cost does
 * not depend on how many rows came. Turns begin at once when nothing has
 * happened for a while; under load they are as far apart as the number of
 * streams makes sensible, so that a wake-up and a write carry many events.
 *
 * A stream that resumes is a channel of its own until it has caught up, a slice
 * in each turn, so that nobody waits for its history.
 *
 * Bundles have a ceiling together: beyond it those who read too slowly miss
 * the oldest one. One turn makes no more than that either: filters that are all
 * different share nothing, and histories of many that resume at once wait for
 * the next turn.
 */
#include "api/channel.h"

#include "api/render.h"
#include "base/mem.h"
#include "os/clock.h"

#include <inttypes.h>

#define ARENA_MAX       (64u << 20)
#define BUNDLES_MAX     (32u << 20)
#define SLICE_ROWS      20000
#define TURN_MIN_MS     10
#define TURN_MAX_MS     200
#define STREAMS_PER_MS  5
#define STREAMS_REST_MS 100 /* between looks at gaps and closed streams */

/* One look at new rows. */
struct turn {
    struct dld_channels *channels;
    struct dld_channel *first; /* the channels that look */
    const struct dld_row *row;
    struct dld_event event;
    bool needs_event; /* one of them compares */
    bool is_read;
    bool is_made;
    bool has_failed;
    uint64_t place; /* seq of the last row that all have seen */
    size_t bytes;   /* of all messages */
};

/* -------------------------------------------------------------------- rows */

static bool read_event(struct turn *turn)
{
    if (!turn->is_read) {
        turn->is_read =
            dld_render_read(turn->row, &turn->channels->arena, &turn->event);
    }
    return turn->is_read;
}

/* The row as a message; one that is too long is a gap of one. */
static struct dlr_text make_message(struct turn *turn)
{
    struct dlr_buf *message = &turn->channels->message;
    uint64_t seq = turn->row->seq;

    if (!turn->is_made) {
        dlr_buf_rewind(message, 0);
        dlr_buf_printf(message, "id: c%" PRIu64 "\ndata: ", seq);
        dld_render_event(message, turn->row, &turn->event);
        dlr_buf_append_string(message, "\n\n");
        if (message->failed) {
            dlr_buf_clear(message);
            dlr_buf_init(message, DLD_STREAM_MESSAGE_MAX);
            dld_stream_write_gap(message, 1, seq, seq);
        }
        turn->is_made = true;
    }
    return dlr_buf_text(message);
}

static bool add_message(struct turn *turn, struct dld_portion *portion)
{
    struct dlr_text message;

    if (portion->bundle == NULL) {
        portion->bundle = dld_bundle_new(DLD_STREAM_WAITING_MAX);
    }
    if (portion->bundle == NULL || !read_event(turn)) {
        return false;
    }
    message = make_message(turn);
    if (message.len > BUNDLES_MAX - turn->bytes ||
        !dld_bundle_add(portion->bundle, turn->row->seq, message)) {
        return false;
    }
    turn->bytes += message.len;
    return true;
}

static void see(struct turn *turn, struct dld_channel *channel)
{
    struct dld_portion *portion = &channel->portion;
    uint64_t seq = turn->row->seq;

    if (turn->row->workspace != channel->workspace ||
        (!channel->is_open &&
         !dld_filter_matches(dld_stream_filter(channel->streams), turn->row,
                             &turn->event))) {
        return;
    }
    portion->seen++;
    portion->last_seq = seq;
    if (channel->room > 0 && add_message(turn, portion)) {
        channel->room--;
        return;
    }
    /* Messages are the first rows without a hole: once one is left out, so are
     * those behind it. */
    channel->room = 0;
    portion->bare_seq = portion->bare_seq == 0 ? seq : portion->bare_seq;
}

static bool see_row(void *self, const struct dld_row *row)
{
    struct turn *turn = self;

    turn->row = row;
    turn->is_read = false;
    turn->is_made = false;
    if (turn->needs_event && !read_event(turn)) {
        turn->has_failed = true;
        return false;
    }
    for (struct dld_channel *channel = turn->first; channel != NULL;
         channel = channel->next) {
        see(turn, channel);
    }
    turn->place = row->seq;
    return true;
}

/* ------------------------------------------------------------------- turns */

static void begin_turn(struct turn *turn, struct dld_channel *channel,
                       int64_t now_ms)
{
    turn->needs_event = turn->needs_event || !channel->is_open;
    channel->portion = (struct dld_portion){0};
    channel->room = 0;
    for (struct dld_stream_client *stream = channel->streams; stream != NULL;
         stream = *dld_stream_next(stream)) {
        uint32_t room = dld_stream_room(stream, now_ms);

        channel->room = room > channel->room ? room : channel->room;
    }
}

static void end_turn(struct dld_channels *channels, struct dld_channel *channel,
                     int64_t now_ms)
{
    struct dld_portion *portion = &channel->portion;

    if (portion->seen > 0) {
        for (struct dld_stream_client *stream = channel->streams;
             stream != NULL; stream = *dld_stream_next(stream)) {
            dld_stream_give(stream, portion, now_ms);
        }
    }
    if (portion->bundle != NULL) {
        dld_bundles_keep(&channels->bundles, &portion->bundle);
    }
}

/* Shows rows to channels that are at the same place. Returns the place they
 * are at then: not the end of the scan if the store cannot be read. */
static uint64_t show(struct dld_channels *channels, struct dld_channel *first,
                     const struct dld_scan *scan)
{
    struct turn turn = {
        .channels = channels, .first = first, .place = scan->after};
    int64_t now_ms = dlr_clock_monotonic_ms();
    datalyr_status status;
    datalyr_error error;

    for (struct dld_channel *channel = first; channel != NULL;
         channel = channel->next) {
        begin_turn(&turn, channel, now_ms);
    }
    status = channels->store->scan(channels->store->self, scan, see_row, &turn,
                                   &error);
    for (struct dld_channel *channel = first; channel != NULL;
         channel = channel->next) {
        end_turn(channels, channel, now_ms);
    }
    return status == DATALYR_OK && !turn.has_failed ? scan->before - 1
                                                    : turn.place;
}

static void show_new(struct dld_channels *channels, uint64_t committed_seq)
{
    struct dld_scan scan = {
        .since_ms = DLD_TIME_MIN,
        .until_ms = DLD_TIME_MAX,
        .after = channels->place,
        .before = committed_seq + 1,
    };

    channels->place = show(channels, channels->joined, &scan);
}

/* ----------------------------------------------------------------- joining */

static void join(struct dld_channels *channels, struct dld_channel *channel)
{
    struct dld_stream_client *stream = channel->streams;
    struct dld_channel *same = channels->joined;

    while (same != NULL &&
           (same->workspace != channel->workspace ||
            !dld_filter_is_same(dld_stream_filter(same->streams),
                                dld_stream_filter(stream)))) {
        same = same->next;
    }
    if (same == NULL) {
        channel->next = channels->joined;
        channels->joined = channel;
        return;
    }
    *dld_stream_next(stream) = same->streams;
    same->streams = stream;
    dlr_free(channel);
}

/* One slice of what the channel has behind it. False if it stays where it is. */
static bool catch_up(struct dld_channels *channels, struct dld_channel *channel)
{
    uint64_t place = channel->place;
    uint64_t end = channels->place;
    struct dld_scan scan;

    if (place >= end) {
        return false;
    }
    end = end - place > SLICE_ROWS ? place + SLICE_ROWS : end;
    dld_filter_to_scan(dld_stream_filter(channel->streams), channel->workspace,
                       &scan);
    scan.after = place;
    scan.before = end + 1;
    channel->place = show(channels, channel, &scan);
    return channel->place > place;
}

/* As far as the ceiling allows. True if somebody has more to catch up with. */
static bool catch_up_all(struct dld_channels *channels)
{
    struct dld_channel *joining = channels->joining;
    bool is_behind = false;

    channels->joining = NULL;
    while (joining != NULL) {
        struct dld_channel *channel = joining;
        bool has_moved = true;

        joining = channel->next;
        channel->next = NULL;
        if (channels->bundles.bytes <= BUNDLES_MAX) {
            has_moved = catch_up(channels, channel);
        }
        if (channel->place == channels->place) {
            join(channels, channel);
        } else {
            is_behind = is_behind || has_moved;
            channel->next = channels->joining;
            channels->joining = channel;
        }
    }
    return is_behind;
}

bool dld_channels_add(struct dld_channels *channels,
                      struct dld_stream_client *stream)
{
    struct dld_channel *channel = dlr_calloc(1, sizeof *channel);

    if (channel == NULL) {
        return false;
    }
    *dld_stream_next(stream) = NULL;
    channel->streams = stream;
    channel->workspace = dld_stream_workspace(stream);
    channel->is_open = dld_filter_is_open(dld_stream_filter(stream));
    channel->place = dld_stream_place(stream);
    channel->next = channels->joining;
    channels->joining = channel;
    channels->stream_count++;
    return true;
}

/* ----------------------------------------------------------------- tending */

static void tend_streams(struct dld_channels *channels,
                         struct dld_channel *channel, int64_t now_ms)
{
    struct dld_stream_client **at = &channel->streams;

    while (*at != NULL) {
        struct dld_stream_client *stream = *at;

        if (!dld_stream_is_closed(stream)) {
            dld_stream_tick(stream, now_ms);
            at = dld_stream_next(stream);
            continue;
        }
        *at = *dld_stream_next(stream);
        dld_stream_release(&stream);
        channels->stream_count--;
    }
}

static void tend(struct dld_channels *channels, struct dld_channel **at,
                 int64_t now_ms)
{
    while (*at != NULL) {
        struct dld_channel *channel = *at;

        tend_streams(channels, channel, now_ms);
        if (channel->streams == NULL) {
            *at = channel->next;
            dlr_free(channel);
        } else {
            at = &channel->next;
        }
    }
}

static void give_up(struct dld_channel *channel,
                    const struct dld_bundle *bundle)
{
    for (; channel != NULL; channel = channel->next) {
        for (struct dld_stream_client *stream = channel->streams;
             stream != NULL; stream = *dld_stream_next(stream)) {
            dld_stream_give_up(stream, bundle);
        }
    }
}

static void keep_ceiling(struct dld_channels *channels)
{
    const struct dld_bundle *oldest = NULL;

    dld_bundles_sweep(&channels->bundles);
    while (channels->bundles.bytes > BUNDLES_MAX &&
           channels->bundles.first != oldest) {
        oldest = channels->bundles.first;
        give_up(channels->joined, oldest);
        give_up(channels->joining, oldest);
        dld_bundles_sweep(&channels->bundles);
    }
}

static uint64_t measure_pause(const struct dld_channels *channels)
{
    uint64_t pause_ms =
        TURN_MIN_MS + (uint64_t)channels->stream_count / STREAMS_PER_MS;

    return pause_ms < TURN_MAX_MS ? pause_ms : TURN_MAX_MS;
}

uint64_t dld_channels_turn(struct dld_channels *channels,
                           uint64_t committed_seq)
{
    int64_t now_ms = dlr_clock_monotonic_ms();
    int64_t due_ms = channels->turn_ms + (int64_t)measure_pause(channels);
    bool is_behind;

    if (channels->joined == NULL && channels->place < committed_seq) {
        channels->place = committed_seq; /* nobody is to be shown it */
    }
    if (channels->place < committed_seq && now_ms >= due_ms) {
        channels->turn_ms = now_ms;
        due_ms = now_ms + (int64_t)measure_pause(channels);
        show_new(channels, committed_seq);
    }
    is_behind = catch_up_all(channels);
    if (now_ms - channels->tended_ms >= STREAMS_REST_MS) {
        channels->tended_ms = now_ms;
        tend(channels, &channels->joined, now_ms);
        tend(channels, &channels->joining, now_ms);
    }
    keep_ceiling(channels);
    channels->is_eager = channels->stream_count > 0 && now_ms >= due_ms;
    if (is_behind) {
        return 0;
    }
    if (channels->stream_count == 0) {
        return UINT64_MAX;
    }
    return now_ms < due_ms ? (uint64_t)(due_ms - now_ms) : STREAMS_REST_MS;
}

/* -------------------------------------------------------------------- life */

void dld_channels_init(struct dld_channels *channels, struct dld_store *store)
{
    *channels = (struct dld_channels){.store = store};
    dlr_buf_init(&channels->arena, ARENA_MAX);
    dlr_buf_init(&channels->message, DLD_STREAM_MESSAGE_MAX);
}

static void end(struct dld_channel *channel)
{
    while (channel != NULL) {
        struct dld_channel *old = channel;

        while (old->streams != NULL) {
            struct dld_stream_client *stream = old->streams;

            old->streams = *dld_stream_next(stream);
            dld_stream_end(stream);
            dld_stream_release(&stream);
        }
        channel = old->next;
        dlr_free(old);
    }
}

void dld_channels_end(struct dld_channels *channels)
{
    end(channels->joined);
    end(channels->joining);
    channels->joined = NULL;
    channels->joining = NULL;
    channels->stream_count = 0;
}

void dld_channels_clear(struct dld_channels *channels)
{
    dld_bundles_clear(&channels->bundles);
    dlr_buf_clear(&channels->arena);
    dlr_buf_clear(&channels->message);
}
