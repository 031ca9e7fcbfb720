/* SPDX-License-Identifier: MIT */
/*
 * Options: the command line of datalyrd. One table gives each option its name,
 * kind, range, default and help.
 */
#ifndef DLD_OPTIONS_H
#define DLD_OPTIONS_H

#include <datalyr.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define DLD_KEYS_MAX 16

struct dld_text_list {
    const char *items[DLD_KEYS_MAX];
    size_t count;
};

struct dld_options {
    const char *listen;
    const char *store;
    struct dld_text_list api_keys;
    struct dld_text_list read_keys;
    struct dld_text_list admin_keys;
    struct dld_text_list origins;
    struct dld_text_list proxies;
    const char *certificate; /* paths */
    const char *private_key;
    const char *log;
    uint64_t rate_limit; /* requests per second and key */
    uint64_t rate_burst;
    uint64_t max_batch_events;
    uint64_t max_body_bytes;
    uint64_t max_decoded_bytes;
    uint64_t max_memory_bytes;
    uint64_t max_depth;
    uint64_t max_connections;
    uint64_t head_timeout_ms;
    uint64_t body_timeout_ms;
    uint64_t idle_timeout_ms;
    uint64_t query_time_ms;
    uint64_t keep_ms; /* DLR_UNLIMITED: for ever */
    uint64_t threads;
    uint64_t partition_rows;
    bool is_test;
    bool wants_help;
    bool wants_version;
};

/* Reads the arguments behind the program's name; texts stay theirs. */
datalyr_status dld_options_read(int argc, char **argv,
                                struct dld_options *options,
                                datalyr_error *error);

void dld_options_help(FILE *out);

#endif
