/* SPDX-License-Identifier: MIT */
/*
 * Progress: see progress.h. A bar at most ten times a second on a terminal; in
 * a log one line now and then, for nobody reads a bar that was repeated
 * hundreds of times.
 */
#include "import/progress.h"

#include "base/buf.h"
#include "say.h"
#include "session.h"

#include <inttypes.h>
#include <stdio.h>

#define FRAME_MS  100
#define BAR_CELLS 24

void cli_progress_start(struct cli_progress *progress, bool is_bar,
                        int64_t every_ms)
{
    *progress = (struct cli_progress){.is_bar = is_bar, .every_ms = every_ms};
    progress->started_ms = cli_now_ms();
    progress->last_ms = progress->started_ms;
}

bool cli_progress_is_due(const struct cli_progress *progress, int64_t now_ms)
{
    int64_t every_ms = progress->is_bar ? FRAME_MS : progress->every_ms;

    return every_ms > 0 && now_ms - progress->last_ms >= every_ms;
}

static void put_left(struct dlr_buf *out, const struct cli_state *state,
                     int64_t elapsed_ms)
{
    double share = state->total_bytes == 0
                       ? 0
                       : (double)state->done_bytes / (double)state->total_bytes;
    int64_t left_s;

    if (share <= 0 || share > 1) {
        return;
    }
    left_s = (int64_t)((double)elapsed_ms * (1 - share) / share / 1000 + 0.5);
    dlr_buf_printf(out, "  %" PRId64 ":%02d:%02d left", left_s / 3600,
                   (int)(left_s / 60 % 60), (int)(left_s % 60));
}

static void put_state(struct dlr_buf *out, const struct cli_state *state,
                      int64_t elapsed_ms)
{
    uint64_t rate =
        elapsed_ms <= 0 ? 0 : state->delivered * 1000 / (uint64_t)elapsed_ms;

    if (state->total_bytes > 0) {
        dlr_buf_printf(out, "%3" PRIu64 " %%  ",
                       state->done_bytes * 100 / state->total_bytes);
    }
    dlr_buf_printf(out,
                   "accepted=%" PRIu64 " delivered=%" PRIu64
                   " rejected=%" PRIu64 "  %" PRIu64 "/s",
                   state->accepted, state->delivered, state->rejected, rate);
    put_left(out, state, elapsed_ms);
}

static void put_bar(struct dlr_buf *out, const struct cli_state *state)
{
    uint64_t cells = state->total_bytes == 0
                         ? 0
                         : state->done_bytes * BAR_CELLS / state->total_bytes;

    dlr_buf_append_char(out, '[');
    for (uint64_t i = 0; i < BAR_CELLS; i++) {
        dlr_buf_append_char(out, i < cells ? '=' : i == cells ? '>' : ' ');
    }
    dlr_buf_append_string(out, "] ");
}

static void show_json(const struct cli_state *state, int64_t elapsed_ms)
{
    char storage[512];
    struct dlr_buf line;

    dlr_buf_init_fixed(&line, storage, sizeof storage);
    dlr_buf_printf(&line,
                   "{\"type\":\"progress\",\"bytes\":%" PRIu64
                   ",\"totalBytes\":%" PRIu64 ",\"accepted\":%" PRIu64
                   ",\"delivered\":%" PRIu64 ",\"rejected\":%" PRIu64
                   ",\"milliseconds\":%" PRId64 "}\n",
                   state->done_bytes, state->total_bytes, state->accepted,
                   state->delivered, state->rejected, elapsed_ms);
    cli_out(dlr_buf_text(&line));
    (void)fflush(stdout); /* failures are told at the end */
}

void cli_progress_show(struct cli_progress *progress,
                       const struct cli_state *state, bool as_line)
{
    int64_t now_ms = cli_now_ms();
    char storage[512];
    struct dlr_buf line;

    progress->last_ms = now_ms;
    if (cli_say_is_json()) {
        show_json(state, now_ms - progress->started_ms);
        return;
    }
    dlr_buf_init_fixed(&line, storage, sizeof storage);
    if (progress->is_bar) {
        dlr_buf_append_string(&line, "\r\033[K");
    }
    if (progress->is_bar && !as_line) {
        put_bar(&line, state);
    }
    put_state(&line, state, now_ms - progress->started_ms);
    if (!progress->is_bar || as_line) {
        dlr_buf_append_char(&line, '\n');
    }
    progress->is_drawn = progress->is_bar && !as_line;
    (void)fwrite(line.ptr, 1, line.len, stderr); /* only for people */
}

void cli_progress_clear(struct cli_progress *progress)
{
    if (progress->is_drawn) {
        (void)fputs("\r\033[K", stderr); /* only for people */
        progress->is_drawn = false;
    }
}
