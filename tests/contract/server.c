/* SPDX-License-Identifier: MIT */
/* The server of the contract tests. It understands what our client sends and
 * no more: a head, Content-Length, a body, the next request. */
#include "contract/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>

#define INPUT_MAX ((size_t)1 << 20)

struct peer {
    int fd; /* -1: none */
    char *input;
    size_t len;
};

/* Decompresses where the head says so. */
static void unpack(struct server_request *request)
{
    z_stream stream = {0};
    char *plain;

    if (strcasestr(request->head, "\r\ncontent-encoding: gzip") == NULL) {
        return;
    }
    plain = calloc(1, INPUT_MAX);
    if (plain == NULL || inflateInit2(&stream, 31) != Z_OK) {
        free(plain);
        return;
    }
    stream.next_in = (Bytef *)request->body;
    stream.avail_in = (uInt)request->body_len;
    stream.next_out = (Bytef *)plain;
    stream.avail_out = INPUT_MAX - 1;
    (void)inflate(&stream, Z_FINISH);
    free(request->body);
    request->body = plain;
    request->body_len = stream.total_out;
    (void)inflateEnd(&stream);
}

static bool send_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);

        if (sent <= 0) {
            return false;
        }
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool answer(int fd, const struct server_answer *answer)
{
    int status = answer->status == 0 ? 200 : answer->status;
    bool has_body = status != 204 && status != 304;
    char text[2048];
    int len;

    if (answer->should_close) {
        return false;
    }
    len = snprintf(text, sizeof text, "HTTP/1.1 %d Said\r\n%s", status,
                   answer->headers);
    if (has_body) {
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "Content-Length: %zu\r\n\r\n%s", strlen(answer->body),
                        answer->body);
    } else {
        len += snprintf(text + len, sizeof text - (size_t)len, "\r\n");
    }
    return send_all(fd, text, (size_t)len);
}

/* Keeps one request of `head_len` and `body_len` bytes and answers it. */
static bool take_request(struct server *server, struct peer *peer,
                         size_t head_len, size_t body_len)
{
    struct server_answer reply = {0};
    struct server_request request = {strndup(peer->input, head_len),
                                     strndup(peer->input + head_len, body_len),
                                     body_len};

    if (request.body != NULL) {
        free(request.body);
        request.body = calloc(1, body_len + 1);
        memcpy(request.body, peer->input + head_len, body_len);
    }
    unpack(&request);
    peer->len -= head_len + body_len;
    memmove(peer->input, peer->input + head_len + body_len, peer->len + 1);
    pthread_mutex_lock(&server->lock);
    if (server->request_count < server->answer_count) {
        reply = server->answers[server->request_count];
    }
    if (server->request_count < SERVER_REQUESTS_MAX) {
        server->requests[server->request_count++] = request;
    } else {
        free(request.head);
        free(request.body);
    }
    pthread_mutex_unlock(&server->lock);
    return answer(peer->fd, &reply);
}

/* Takes what is complete; false when the connection is over. */
static bool digest(struct server *server, struct peer *peer)
{
    for (;;) {
        char *end = strstr(peer->input, "\r\n\r\n");
        char *length = strcasestr(peer->input, "\r\ncontent-length:");
        size_t head_len;
        size_t body_len;

        if (end == NULL) {
            return true;
        }
        head_len = (size_t)(end - peer->input) + 4;
        body_len = length == NULL ? 0 : strtoul(length + 17, &end, 10);
        if (peer->len < head_len + body_len) {
            return true;
        }
        if (!take_request(server, peer, head_len, body_len)) {
            return false;
        }
    }
}

static bool read_some(struct server *server, struct peer *peer)
{
    ssize_t got =
        recv(peer->fd, peer->input + peer->len, INPUT_MAX - peer->len - 1, 0);

    if (got <= 0) {
        return false;
    }
    peer->len += (size_t)got;
    peer->input[peer->len] = '\0';
    return digest(server, peer);
}

static void drop_peer(struct peer *peer)
{
    if (peer->fd >= 0) {
        (void)close(peer->fd);
    }
    free(peer->input);
    *peer = (struct peer){-1, NULL, 0};
}

static void add_peer(struct peer *peers, int fd)
{
    for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
        if (peers[i].fd < 0) {
            peers[i].fd = fd;
            peers[i].input = calloc(1, INPUT_MAX);
            return;
        }
    }
    (void)close(fd);
}

static void *serve(void *arg)
{
    struct server *server = arg;
    struct peer peers[SERVER_CLIENTS_MAX];
    struct pollfd waits[SERVER_CLIENTS_MAX + 2];

    for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
        peers[i] = (struct peer){-1, NULL, 0};
    }
    for (;;) {
        waits[0] = (struct pollfd){server->wake[0], POLLIN, 0};
        waits[1] = (struct pollfd){server->listener, POLLIN, 0};
        for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
            waits[i + 2] = (struct pollfd){peers[i].fd, POLLIN, 0};
        }
        (void)poll(waits, SERVER_CLIENTS_MAX + 2, -1);
        if (waits[0].revents != 0) {
            break;
        }
        for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
            if (peers[i].fd >= 0 && waits[i + 2].revents != 0 &&
                !read_some(server, &peers[i])) {
                drop_peer(&peers[i]);
            }
        }
        if (waits[1].revents != 0) {
            add_peer(peers, accept(server->listener, NULL, NULL));
        }
    }
    for (int i = 0; i < SERVER_CLIENTS_MAX; i++) {
        drop_peer(&peers[i]);
    }
    return NULL;
}

bool server_start(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof address;

    memset(server, 0, sizeof *server);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (pthread_mutex_init(&server->lock, NULL) != 0 ||
        pipe(server->wake) != 0 || server->listener < 0 ||
        bind(server->listener, (struct sockaddr *)&address, len) != 0 ||
        listen(server->listener, 16) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&address, &len) != 0) {
        return false;
    }
    server->port = ntohs(address.sin_port);
    return pthread_create(&server->thread, NULL, serve, server) == 0;
}

void server_reset(struct server *server)
{
    pthread_mutex_lock(&server->lock);
    for (size_t i = 0; i < server->request_count; i++) {
        free(server->requests[i].head);
        free(server->requests[i].body);
    }
    server->request_count = 0;
    server->answer_count = 0;
    pthread_mutex_unlock(&server->lock);
}

void server_stop(struct server *server)
{
    (void)!write(server->wake[1], "x", 1);
    (void)pthread_join(server->thread, NULL);
    server_reset(server);
    (void)close(server->listener);
    (void)close(server->wake[0]);
    (void)close(server->wake[1]);
    (void)pthread_mutex_destroy(&server->lock);
}
