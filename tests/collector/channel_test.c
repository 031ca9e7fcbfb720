/* SPDX-License-Identifier: MIT */
/*
 * Live streams by themselves: rows from memory, readers that read when the
 * dice say so. Whatever is read, given up or cut short, what a stream shows and
 * what it announces as missed are together the rows it asked for, each once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/channel.h"
#include "base/mem.h"
#include "http/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_MAX 500

/* What reading has found out about one stream. */
struct reader {
    struct dld_work work;
    struct dld_request request;
    struct dld_stream_client *stream;
    unsigned name; /* of the events it asks for; 0: all */
    uint64_t after;
    uint64_t last;
    uint64_t shown;
    uint64_t missed;
    uint64_t gaps;
    struct dlr_buf text; /* not understood yet */
    bool is_asleep;
    bool is_over;
};

static struct reader readers[STREAMS_MAX];
static size_t doc_bytes;
static unsigned name_count = 5;
static uint64_t dice = 88172645463325252u;

static uint64_t roll(uint64_t sides)
{
    dice ^= dice << 13;
    dice ^= dice >> 7;
    dice ^= dice << 17;
    return dice % sides;
}

/* ------------------------------------------- what stands in for the server */

void __wrap_dld_request_sleep(struct dld_request *request);
void __wrap_dld_request_wake(struct dld_request *request);

static struct reader *reader_of(struct dld_request *request)
{
    return (struct reader *)(void *)((char *)request -
                                     offsetof(struct reader, request));
}

void __wrap_dld_request_sleep(struct dld_request *request)
{
    assert_false(reader_of(request)->is_asleep);
    reader_of(request)->is_asleep = true;
}

void __wrap_dld_request_wake(struct dld_request *request)
{
    assert_true(reader_of(request)->is_asleep);
    reader_of(request)->is_asleep = false;
}

/* The most that bundles took, before the oldest went. */
static size_t peak_bytes;

void __real_dld_bundles_keep(struct dld_bundles *bundles,
                             struct dld_bundle **bundle);
void __wrap_dld_bundles_keep(struct dld_bundles *bundles,
                             struct dld_bundle **bundle);

void __wrap_dld_bundles_keep(struct dld_bundles *bundles,
                             struct dld_bundle **bundle)
{
    __real_dld_bundles_keep(bundles, bundle);
    peak_bytes = bundles->bytes > peak_bytes ? bundles->bytes : peak_bytes;
}

/* -------------------------------------------- what stands in for the store */

static unsigned name_of(uint64_t seq)
{
    return (unsigned)(seq * 2654435761u >> 7) % name_count + 1;
}

static bool is_asked(const struct reader *reader, uint64_t seq)
{
    return seq % 7 != 0 && (reader->name == 0 || reader->name == name_of(seq));
}

static struct dlr_text make_doc(uint64_t seq, char *doc)
{
    /* Now and then one of twice the size. */
    size_t pad = seq % 97 == 0 ? doc_bytes * 2 : doc_bytes;
    size_t len = (size_t)snprintf(doc, 64,
                                  "{\"event\":\"e%u\",\"userId\":\"u\","
                                  "\"properties\":{\"x\":\"",
                                  name_of(seq));

    memset(doc + len, 'x', pad);
    memcpy(doc + len + pad, "\"}}", 3);
    return dlr_text_n(doc, len + pad + 3);
}

static datalyr_status scan(void *self, const struct dld_scan *wanted,
                           dld_visit visit, void *visitor, datalyr_error *error)
{
    static char doc[400000];
    char id[32];

    (void)self;
    (void)error;
    for (uint64_t seq = wanted->after + 1; seq < wanted->before; seq++) {
        struct dld_row row = {.seq = seq, .workspace = seq % 7 == 0 ? 2 : 1};

        row.doc = make_doc(seq, doc);
        (void)snprintf(id, sizeof id, "%" PRIu64, seq);
        row.id = dlr_text_of(id);
        if ((wanted->workspace == 0 || wanted->workspace == row.workspace) &&
            !visit(visitor, &row)) {
            break;
        }
    }
    return DATALYR_OK;
}

/* ----------------------------------------------------------------- readers */

static uint64_t count_asked(const struct reader *reader, uint64_t from,
                            uint64_t to)
{
    uint64_t count = 0;

    for (uint64_t seq = from; seq <= to; seq++) {
        count += is_asked(reader, seq) ? 1 : 0;
    }
    return count;
}

static void take_gap(struct reader *reader, uint64_t id, const char *data)
{
    uint64_t missed;
    uint64_t from;
    uint64_t to;

    assert_int_equal(sscanf(data,
                            "data: {\"missed\":%" SCNu64 ",\"from\":\"c%" SCNu64
                            "\",\"to\":\"c%" SCNu64 "\"}",
                            &missed, &from, &to),
                     3);
    assert_true(from > reader->last && to >= from);
    assert_int_equal(id, to);
    assert_int_equal(count_asked(reader, reader->last + 1, from - 1), 0);
    assert_int_equal(missed, count_asked(reader, from, to));
    reader->missed += missed;
    reader->gaps++;
    reader->last = to;
}

static void take_event(struct reader *reader, uint64_t id, const char *data)
{
    char wanted[64];

    (void)snprintf(wanted, sizeof wanted, "\"eventId\":\"%" PRIu64 "\"", id);
    assert_non_null(strstr(data, wanted));
    assert_true(is_asked(reader, id) && id > reader->last);
    assert_int_equal(count_asked(reader, reader->last + 1, id - 1), 0);
    reader->shown++;
    reader->last = id;
}

static uint64_t read_id(const char *text)
{
    char *end;
    uint64_t id = strtoull(text, &end, 10);

    assert_ptr_not_equal(end, text);
    return id;
}

static void take_message(struct reader *reader, const char *message)
{
    bool is_gap = strncmp(message, "event: gap\n", 11) == 0;
    const char *id = strstr(message, "id: c");
    const char *data = strstr(message, "\ndata: ");

    if (data == NULL) {
        return; /* the greeting or a ping */
    }
    assert_non_null(id);
    if (is_gap) {
        take_gap(reader, read_id(id + 5), data + 1);
    } else {
        take_event(reader, read_id(id + 5), data + 1);
    }
}

static void take_messages(struct reader *reader)
{
    struct dlr_buf *text = &reader->text;
    char *begin;
    char *end;

    assert_non_null(dlr_buf_terminate(text));
    begin = text->ptr;
    while ((end = strstr(begin, "\n\n")) != NULL) {
        *end = '\0';
        take_message(reader, begin);
        begin = end + 2;
    }
    text->len -= (size_t)(begin - text->ptr);
    memmove(text->ptr, begin, text->len);
}

static void read_up_to(struct reader *reader, size_t bytes)
{
    static char out[16384];

    while (bytes > 0 && !reader->is_asleep && !reader->is_over) {
        size_t cap = bytes < sizeof out ? bytes : sizeof out;
        long count = reader->request.reply.stream.read(
            reader->request.reply.stream.self, out, cap);

        reader->is_over = count < 0;
        if (count > 0) {
            dlr_buf_append(&reader->text, out, (size_t)count);
            take_messages(reader);
            bytes -= (size_t)count;
        }
    }
}

static void open_reader(struct dld_channels *channels, struct reader *reader,
                        unsigned name, uint64_t after)
{
    char target[64];

    *reader = (struct reader){.name = name, .after = after, .last = after};
    dlr_buf_init(&reader->text, 16u << 20);
    (void)snprintf(target, sizeof target,
                   name == 0 ? "/api/v1/events/stream"
                             : "/api/v1/events/stream?event=e%u",
                   name);
    dld_target_read(&reader->request.target, target);
    reader->work.request = &reader->request;
    reader->work.workspace = 1;
    assert_int_equal(dld_stream_open(&reader->work, after, &reader->stream),
                     DATALYR_OK);
    assert_true(dld_channels_add(channels, reader->stream));
}

static void close_reader(struct reader *reader)
{
    dld_stream_close(reader->stream);
    dld_stream_release(&reader->stream);
    dld_target_clear(&reader->request.target);
    dlr_buf_clear(&reader->text);
}

/* ------------------------------------------------------------------- tests */

static void expect_all_accounted(struct reader *reader, uint64_t rows)
{
    uint64_t asked = count_asked(reader, reader->after + 1, rows);

    read_up_to(reader, SIZE_MAX);
    assert_true(reader->is_over);
    assert_int_equal(reader->text.len, 0);
    assert_int_equal(reader->shown + reader->missed, asked);
    assert_true(reader->shown > 0);
}

/* Some read a few bytes, the lazy ones hardly any. */
static void read_some(size_t count, size_t lazy)
{
    for (size_t i = 0; i < count; i++) {
        if (roll(3) == 0) {
            read_up_to(&readers[i], roll(i < lazy ? 3000 : 200000));
        }
    }
}

/* Commits rows in portions until all are shown. Returns how many were missed by a lazy one. */
static uint64_t run(size_t count, uint64_t rows, size_t lazy)
{
    struct dld_store store = {.scan = scan};
    struct dld_channels channels;
    uint64_t committed = 100;
    uint64_t missed = 0;

    dld_channels_init(&channels, &store);
    for (size_t i = 0; i < count; i++) {
        /* Some begin with the first row, some further on, some in future. */
        open_reader(&channels, &readers[i], (unsigned)(i % (name_count + 1)),
                    i % 10 == 9 ? roll(rows / 2) : 100);
    }
    while (channels.place < rows || channels.joining != NULL) {
        if (channels.place == committed && committed < rows) {
            committed += roll(rows / 6) + 1;
            committed = committed < rows ? committed : rows;
            read_some(count, lazy);
        }
        (void)dld_channels_turn(&channels, committed);
        assert_true(channels.bundles.bytes <= 32u << 20);
    }
    dld_channels_end(&channels);
    for (size_t i = 0; i < count; i++) {
        expect_all_accounted(&readers[i], rows);
        missed += i < lazy ? readers[i].missed : 0;
        close_reader(&readers[i]);
    }
    dld_channels_clear(&channels);
    return missed;
}

static void five_hundred_streams_account_for_every_row(void **state)
{
    (void)state;
    doc_bytes = 60;
    (void)run(STREAMS_MAX, 5000, 0);
}

static void who_does_not_read_misses_the_oldest(void **state)
{
    (void)state;
    /* Eighty filters have more waiting than is kept of all together. */
    doc_bytes = 4000;
    name_count = 80;
    assert_true(run(81, 30000, 70) > 0);
    name_count = 5;
}

/* All at once. Each stream has a filter of its own, or has been away. */
static void show_all(size_t count, bool is_filtered, uint64_t rows)
{
    struct dld_store store = {.scan = scan};
    struct dld_channels channels;

    dld_channels_init(&channels, &store);
    peak_bytes = 0;
    name_count = (unsigned)count;
    if (!is_filtered) {
        (void)dld_channels_turn(&channels, rows);
    }
    for (size_t i = 0; i < count; i++) {
        open_reader(&channels, &readers[i], is_filtered ? (unsigned)i + 1 : 0,
                    0);
    }
    while (channels.place < rows || channels.joining != NULL) {
        (void)dld_channels_turn(&channels, rows);
    }
    dld_channels_end(&channels);
    for (size_t i = 0; i < count; i++) {
        read_up_to(&readers[i], SIZE_MAX);
        assert_true(readers[i].is_over);
        assert_int_equal(readers[i].shown + readers[i].missed,
                         count_asked(&readers[i], 1, rows));
        close_reader(&readers[i]);
    }
    dld_channels_clear(&channels);
    name_count = 5;
}

static void a_turn_makes_no_more_than_is_kept(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip(); /* two minutes for what one thread does */
#endif
    doc_bytes = 120000;
    show_all(100, true, 600);
    /* Room for text is made in powers of two. */
    assert_in_range(peak_bytes, 16u << 20, 65u << 20);
    show_all(60, false, 7);
    assert_in_range(peak_bytes, 16u << 20, 35u << 20);
}

static void a_row_that_is_too_long_is_a_gap_of_one(void **state)
{
    (void)state;
    doc_bytes = 140000; /* twice that is too long */
    (void)run(6, 400, 0);
    assert_true(readers[0].gaps > 0 && readers[0].shown > 2);
}

static void no_allocation_that_fails_breaks_the_sum(void **state)
{
    (void)state;
    doc_bytes = 500;
    for (uint64_t n = 1; n <= 40; n++) {
        struct dld_store store = {.scan = scan};
        struct dld_channels channels;

        dld_channels_init(&channels, &store);
        open_reader(&channels, &readers[0], 0, 0);
        open_reader(&channels, &readers[1], 3, 0);
        dlr_mem_set_fail_at(n);
        for (uint64_t committed = 0;
             channels.place < 300 || channels.joining != NULL;) {
            if (channels.place == committed && committed < 300) {
                committed += 60;
            }
            (void)dld_channels_turn(&channels, committed);
        }
        dlr_mem_set_fail_at(0);
        dld_channels_end(&channels);
        for (size_t i = 0; i < 2; i++) {
            expect_all_accounted(&readers[i], 300);
            close_reader(&readers[i]);
        }
        dld_channels_clear(&channels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_hundred_streams_account_for_every_row),
        cmocka_unit_test(who_does_not_read_misses_the_oldest),
        cmocka_unit_test(a_turn_makes_no_more_than_is_kept),
        cmocka_unit_test(a_row_that_is_too_long_is_a_gap_of_one),
        cmocka_unit_test(no_allocation_that_fails_breaks_the_sum),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
