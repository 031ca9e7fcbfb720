/* SPDX-License-Identifier: MIT */
/*
 * Filter: which events a question is about. The same for lists, waiting and
 * live streams.
 */
#ifndef DLD_API_FILTER_H
#define DLD_API_FILTER_H

#include "event/event.h"
#include "http/request.h"
#include "store/store.h"

#define DLD_FILTER_PROPS 8

/* Texts are the request's. An empty text is no condition. */
struct dld_filter {
    struct dlr_text event;
    struct dlr_text user;
    struct dlr_text anonymous;
    struct dlr_text id;
    struct dlr_text session;
    struct dlr_text search; /* anywhere in the event, case ignored */
    struct {
        struct dlr_text path; /* dotted, below properties */
        struct dlr_text value;
    } props[DLD_FILTER_PROPS];
    size_t prop_count;
    int64_t since_ms;
    int64_t until_ms;
    uint64_t after; /* seq; from `cursor`, or a cursor given as `since` */
};

/* Reads a parameter that is part of a filter. Returns false when it is none of
 * them; `*fault` names what is wrong with its value. */
bool dld_filter_take(struct dld_filter *filter, const struct dld_param *param,
                     int64_t now_ms, const char **fault);

void dld_filter_init(struct dld_filter *filter);

/* Does it have a condition that no index serves? */
bool dld_filter_is_costly(const struct dld_filter *filter);

/* What the store is asked for; the rest is up to matches(). */
void dld_filter_to_scan(const struct dld_filter *filter, uint32_t workspace,
                        struct dld_scan *scan);

/* Do both let the same rows through, whatever their `after`? */
bool dld_filter_is_same(const struct dld_filter *left,
                        const struct dld_filter *right);

/* Has it no condition at all, so that a row need not be read? */
bool dld_filter_is_open(const struct dld_filter *filter);

bool dld_filter_matches(const struct dld_filter *filter,
                        const struct dld_row *row,
                        const struct dld_event *event);

/* The condition an event fails, as the name of its parameter; NULL if it meets
 * all of them. `failed` counts them. */
const char *dld_filter_miss(const struct dld_filter *filter,
                            const struct dld_row *row,
                            const struct dld_event *event, unsigned *failed);

/* "c" and the number: a place in the order of arrival. */
bool dld_cursor_read(struct dlr_text text, uint64_t *seq);

#endif
