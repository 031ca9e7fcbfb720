/* SPDX-License-Identifier: MIT */
/*
 * HTTP: bytes that came over a connection as one request. Only as much of
 * HTTP/1.1 as clients of an ingest server speak; answers are answer.c's.
 */
#ifndef DLF_HTTP_H
#define DLF_HTTP_H

#include "base/buf.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum dlf_reading {
    DLF_READ_MORE,  /* not all of it is here */
    DLF_READ_READY, /* one whole request */
    DLF_READ_BROKEN /* this is not HTTP, or larger than we take */
};

/* Lent from the connection's buffer. */
struct dlf_request {
    struct dlr_text method;
    struct dlr_text path;  /* without the query */
    struct dlr_text query; /* without the question mark */
    struct dlr_text head;  /* the header lines */
    struct dlr_text api_key;
    struct dlr_text body;
    size_t total_bytes; /* head and body, as they came */
    size_t content_len;
    bool is_chunked;
    bool is_gzipped;
    bool expects_continue;
    bool wants_close;
};

/* Reads one request from the start of `in`. A chunked body is put together in
 * place when all of it is here, which is why `in` is not const. */
enum dlf_reading dlf_http_read(struct dlr_buf *in, struct dlf_request *request);

/* Takes the next name: value line from `head`; false at its end. */
bool dlf_http_next_header(struct dlr_text *head, struct dlr_text *name,
                          struct dlr_text *value);

/* The value of `name` in a query; the empty text if it is not there. */
struct dlr_text dlf_http_query(struct dlr_text query, struct dlr_text name);

#endif /* DLF_HTTP_H */
