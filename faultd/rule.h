/* SPDX-License-Identifier: MIT */
/*
 * Rules: the little language that says which requests go wrong, and how.
 * What a rule does to a connection is answer.c's and connection.c's business.
 */
#ifndef DLF_RULE_H
#define DLF_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DLF_MAX_RULES     64
#define DLF_MAX_RULE_TEXT 512
#define DLF_MAX_WORD      128

/* How an answer ends, or why none comes. */
enum dlf_ending {
    DLF_END_KEEP = 0,          /* answered whole, connection kept */
    DLF_END_CLOSE_AFTER,       /* answered whole, then closed */
    DLF_END_CLOSE_BEFORE,      /* read, then closed without a byte */
    DLF_END_RESET,             /* read, then reset */
    DLF_END_CLOSE_HALF_WAY,    /* half of the answer's bytes */
    DLF_END_CLOSE_IN_HEADERS,  /* all headers, not one byte of the body */
    DLF_END_COMMIT_UNANSWERED, /* stored, then reset */
    DLF_END_HANG,              /* never answered, never closed */
    DLF_END_HOLD               /* answered when the admin API says so */
};

enum dlf_filling {
    DLF_BODY_USUAL = 0,
    DLF_BODY_HALF,    /* as announced, but it stops in the middle */
    DLF_BODY_EMPTY,   /* Content-Length: 0 */
    DLF_BODY_GARBAGE, /* not JSON, with terminal escapes */
    DLF_BODY_TEXT,    /* what the rule says */
    DLF_BODY_BYTES    /* so many bytes of filling */
};

/* The matters on which a rule can have a say, as bits. */
enum dlf_matter {
    DLF_SAYS_VERDICT = 1 << 0, /* status, ending, location, Retry-After */
    DLF_SAYS_BODY = 1 << 1,
    DLF_SAYS_DELAY = 1 << 2,
    DLF_SAYS_PACE = 1 << 3,
    DLF_SAYS_TRAILING = 1 << 4,
    DLF_SAYS_HEADER = 1 << 5,
    DLF_SAYS_REJECT = 1 << 6 /* adds up over rules, the others do not */
};

struct dlf_effect {
    uint32_t says; /* bits of dlf_matter */
    int status;    /* 0: 200 */
    enum dlf_ending ending;
    int64_t retry_after_ms; /* -1: none */
    bool is_retry_after_date;
    char location[DLF_MAX_WORD];
    enum dlf_filling body;
    char body_text[DLF_MAX_WORD];
    int64_t body_bytes;
    int64_t delay_ms;
    int64_t bytes_per_second; /* 0: at once */
    char header[DLF_MAX_WORD];
};

struct dlf_rule {
    char text[DLF_MAX_RULE_TEXT];
    /* when */
    int64_t skip_count; /* requests still to be let through */
    int64_t left_count; /* -1: for ever */
    double chance;      /* 0 to 1 */
    char if_name[DLF_MAX_WORD];
    char on_path[DLF_MAX_WORD];
    int64_t over_bytes; /* -1: any size */
    int64_t min_events; /* requests with fewer are let through */
    /* what */
    struct dlf_effect effect;
    double reject_chance;
    char reject_name[DLF_MAX_WORD];
    /* how often it did */
    int64_t applied_count;
};

/* What rules look at. */
struct dlf_facts {
    const char *path;
    size_t body_bytes;
    size_t event_count;
    bool (*has_name)(const void *request, const char *name);
    const void *request; /* for has_name */
};

struct dlf_rules {
    struct dlf_rule items[DLF_MAX_RULES];
    size_t count;
    uint64_t random;
};

/* What all rules together want for one request. */
struct dlf_plan {
    struct dlf_effect effect;
    const struct dlf_rule *rejecting[DLF_MAX_RULES];
    size_t rejecting_count;
};

/* Empties the rules, and seeds them. */
void dlf_rules_reset(struct dlf_rules *rules, uint64_t seed);

/* Starts the sequence of chances anew, with the rules as they are. */
void dlf_rules_seed(struct dlf_rules *rules, uint64_t seed);

/* Adds the rules of a text: one per line or between semicolons, `#` begins a
 * comment. False: nothing was added and `problem` has a sentence. */
bool dlf_rules_add(struct dlf_rules *rules, const char *text, size_t len,
                   char problem[256]);

/* Decides what becomes of one request, and counts the rules that had a say. */
void dlf_rules_plan(struct dlf_rules *rules, const struct dlf_facts *facts,
                    struct dlf_plan *plan);

/* Whether the plan rejects this event. The same event always meets the same
 * fate, however often and in whatever company it is sent. */
bool dlf_plan_rejects(const struct dlf_plan *plan, uint64_t seed,
                      uint64_t id_hash, const char *name);

#endif /* DLF_RULE_H */
