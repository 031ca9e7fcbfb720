/* SPDX-License-Identifier: MIT */
/*
 * streams: many readers of a collector's live stream, who check what they get.
 *
 *     streams PORT COUNT EVENTS [SECONDS]
 *
 * Prints "ready" when all streams have begun, then reads until each has
 * accounted for EVENTS events, shown ones plus those announced as missed. With
 * SECONDS, each stream rests so long before it reads on: slow readers. One
 * thread, and of a line no more than its beginning is looked at, so that the
 * readers take little from what is measured.
 *
 * Prints one line of JSON; exit code 1 if a stream ends, falls silent for a
 * minute or accounts for more than there was.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SILENCE_MS 60000
#define LINE_CAP   64 /* of a line, what says what it is */

struct stream {
    int fd;
    bool has_head;
    bool has_begun;
    bool is_gap;
    bool is_done;
    unsigned end_bytes; /* of the head's end, or of a chunk's, seen so far */
    uint64_t chunk;     /* bytes of the chunk that are still to come */
    bool in_size;       /* reading a chunk's size */
    size_t line_len;
    char line[LINE_CAP];
    uint64_t shown;
    uint64_t missed;
    uint64_t gaps;
};

struct run {
    struct stream *streams;
    uint64_t count;
    uint64_t events;
    uint64_t begun;
    uint64_t done;
    uint64_t bytes;
    bool is_wrong;
};

static int64_t now_ns(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* exists */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint64_t read_number(const char *text)
{
    char *end = NULL;
    uint64_t number = strtoull(text, &end, 10);

    return end == text ? 0 : number;
}

static bool begins(const struct stream *stream, const char *text)
{
    size_t len = strlen(text);

    return stream->line_len >= len && memcmp(stream->line, text, len) == 0;
}

static void end_line(struct run *run, struct stream *stream)
{
    static const char missed[] = "data: {\"missed\":";

    stream->line[stream->line_len] = '\0';
    if (stream->line_len == 0) {
        stream->is_gap = false;
    } else if (begins(stream, "event: gap")) {
        stream->is_gap = true;
        stream->gaps++;
    } else if (begins(stream, "retry:") && !stream->has_begun) {
        stream->has_begun = true;
        run->begun++;
    } else if (begins(stream, missed) && stream->is_gap) {
        stream->missed += read_number(stream->line + sizeof missed - 1);
    } else if (begins(stream, "data: ")) {
        stream->shown++;
    }
    stream->line_len = 0;
    if (!stream->is_done && stream->shown + stream->missed >= run->events &&
        run->events > 0) {
        stream->is_done = true;
        run->done++;
    }
    run->is_wrong =
        run->is_wrong || stream->shown + stream->missed > run->events;
}

/* Lines of the stream itself, without the chunks around it. */
static void take_text(struct run *run, struct stream *stream, const char *text,
                      size_t len)
{
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t part = end == NULL ? len : (size_t)(end - text);
        size_t room = LINE_CAP - 1 - stream->line_len;
        size_t kept = part < room ? part : room;

        memcpy(stream->line + stream->line_len, text, kept);
        stream->line_len += kept;
        if (end == NULL) {
            return;
        }
        end_line(run, stream);
        text += part + 1;
        len -= part + 1;
    }
}

static size_t skip_head(struct stream *stream, const char *bytes, size_t len)
{
    static const char end[] = "\r\n\r\n";
    size_t at = 0;

    while (at < len && stream->end_bytes < 4) {
        stream->end_bytes = bytes[at] == end[stream->end_bytes]
                                ? stream->end_bytes + 1
                                : (bytes[at] == '\r' ? 1 : 0);
        at++;
    }
    stream->has_head = stream->end_bytes == 4;
    stream->in_size = stream->has_head;
    return at;
}

/* One character of a chunk's size, of its line end or of the one before. */
static void take_size(struct stream *stream, char byte)
{
    if (byte >= '0' && byte <= '9') {
        stream->chunk = stream->chunk * 16 + (uint64_t)(byte - '0');
        stream->line[LINE_CAP - 1] = '1';
    } else if ((byte | 32) >= 'a' && (byte | 32) <= 'f') {
        stream->chunk = stream->chunk * 16 + (uint64_t)((byte | 32) - 'a' + 10);
        stream->line[LINE_CAP - 1] = '1';
    } else if (byte == '\n' && stream->line[LINE_CAP - 1] == '1') {
        stream->in_size = false;
        stream->line[LINE_CAP - 1] = '\0';
    }
}

static void take_bytes(struct run *run, struct stream *stream,
                       const char *bytes, size_t len)
{
    size_t at = stream->has_head ? 0 : skip_head(stream, bytes, len);

    while (at < len) {
        size_t part = len - at;

        if (stream->in_size) {
            take_size(stream, bytes[at++]);
            continue;
        }
        part = part < stream->chunk ? part : (size_t)stream->chunk;
        take_text(run, stream, bytes + at, part);
        stream->chunk -= part;
        stream->in_size = stream->chunk == 0;
        at += part;
    }
}

static int open_stream(uint16_t port)
{
    static const char request[] = "GET /api/v1/events/stream HTTP/1.1\r\n"
                                  "Host: 127.0.0.1\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) !=
            (ssize_t)sizeof request - 1) {
        perror("streams");
        return -1;
    }
    return fd;
}

/* False: nothing came for too long, or a stream has ended. */
static bool read_some(struct run *run, int poll)
{
    static char bytes[262144];
    struct epoll_event ready[64];
    int count = epoll_wait(poll, ready, 64, SILENCE_MS);

    for (int i = 0; i < count; i++) {
        struct stream *stream = ready[i].data.ptr;
        ssize_t got = recv(stream->fd, bytes, sizeof bytes, 0);

        if (got <= 0) {
            return false;
        }
        run->bytes += (uint64_t)got;
        take_bytes(run, stream, bytes, (size_t)got);
    }
    return count > 0 || (count < 0 && errno == EINTR);
}

static void report(const struct run *run, int64_t took_ns)
{
    struct rusage used = {0};
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    uint64_t gaps = 0;
    uint64_t shown = 0;

    for (uint64_t i = 0; i < run->count; i++) {
        const struct stream *stream = &run->streams[i];

        least = stream->shown < least ? stream->shown : least;
        most = stream->shown > most ? stream->shown : most;
        gaps += stream->gaps;
        shown += stream->shown;
    }
    (void)getrusage(RUSAGE_SELF, &used);
    printf("{\"benchmark\":\"streams\",\"streams\":%" PRIu64
           ",\"events\":%" PRIu64 ",\"exact\":%" PRIu64
           ",\"least_shown\":%" PRIu64 ",\"most_shown\":%" PRIu64
           ",\"shown\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"seconds\":%.3f,\"cpu_seconds\":%.3f}\n",
           run->count, run->events, run->done, least, most, shown, gaps,
           run->bytes, (double)took_ns / 1e9,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
}

static bool open_all(struct run *run, int poll, uint16_t port)
{
    for (uint64_t i = 0; i < run->count; i++) {
        struct epoll_event wanted = {.events = EPOLLIN,
                                     .data.ptr = &run->streams[i]};

        run->streams[i].fd = open_stream(port);
        if (run->streams[i].fd < 0 ||
            epoll_ctl(poll, EPOLL_CTL_ADD, run->streams[i].fd, &wanted) != 0) {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct run run;
    uint64_t port = argc >= 4 ? read_number(argv[1]) : 0;
    uint64_t seconds = argc >= 5 ? read_number(argv[4]) : 0;
    int poll = epoll_create1(EPOLL_CLOEXEC);
    bool is_well = true;
    int64_t begin_ns;

    run.count = argc >= 4 ? read_number(argv[2]) : 0;
    run.events = argc >= 4 ? read_number(argv[3]) : 0;
    run.streams = calloc(run.count + 1, sizeof *run.streams);
    if (port == 0 || run.count == 0 || run.events == 0 || poll < 0 ||
        run.streams == NULL) {
        fprintf(stderr, "usage: streams PORT COUNT EVENTS [SECONDS]\n");
        return 2;
    }
    is_well = open_all(&run, poll, (uint16_t)port);
    while (is_well && run.begun < run.count) {
        is_well = read_some(&run, poll);
    }
    if (is_well) {
        printf("ready\n");
        (void)fflush(stdout);
        (void)sleep((unsigned)seconds);
    }
    begin_ns = now_ns();
    while (is_well && !run.is_wrong && run.done < run.count) {
        is_well = read_some(&run, poll);
    }
    report(&run, now_ns() - begin_ns);
    free(run.streams);
    (void)close(poll);
    return is_well && !run.is_wrong ? EXIT_SUCCESS : EXIT_FAILURE;
}
