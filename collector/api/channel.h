/* SPDX-License-Identifier: MIT */
/*
 * Channel: the live streams that ask for the same events. All of this belongs
 * to the live thread.
 */
#ifndef DLD_API_CHANNEL_H
#define DLD_API_CHANNEL_H

#include "api/bundle.h"
#include "api/stream.h"

/* Streams of one workspace and filter that have looked up to the same place. */
struct dld_channel {
    struct dld_channel *next;
    struct dld_stream_client *streams;
    uint32_t workspace;
    bool is_open; /* every row of the workspace */
    uint64_t place;

    /* of the turn that is going on */
    uint32_t room;
    struct dld_portion portion;
};

/* All streams. */
struct dld_channels {
    struct dld_store *store;
    struct dld_channel *joined;  /* all at `place` */
    struct dld_channel *joining; /* one stream each, elsewhere */
    size_t stream_count;
    uint64_t place; /* seq looked at */
    int64_t turn_ms;
    int64_t tended_ms;
    bool is_eager; /* the next commit is to be shown at once */
    struct dld_bundles bundles;
    struct dlr_buf arena;
    struct dlr_buf message;
};

void dld_channels_init(struct dld_channels *channels, struct dld_store *store);
/* Ends all streams. */
void dld_channels_end(struct dld_channels *channels);
void dld_channels_clear(struct dld_channels *channels);

/* Takes the stream and the caller's share of it; false: out of memory. */
bool dld_channels_add(struct dld_channels *channels,
                      struct dld_stream_client *stream);

/* Shows what is committed, as far as it is time for that. Returns after how
 * many ms the next turn is due, whether something is committed or not. */
uint64_t dld_channels_turn(struct dld_channels *channels,
                           uint64_t committed_seq);

#endif
