/* SPDX-License-Identifier: MIT */
/* The network transport when things go wrong, and what happens beside a single
 * exchange: faults of the server, time-outs, cancelling, waking, closing,
 * forking. Exchanges that go well are in curl_test.c. */
#include "curl_fixture.h"

#include "os/thread.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <sys/wait.h>

static enum raw_next serve_nothing(struct raw_server *server,
                                   const struct raw_request *request)
{
    (void)request;
    raw_hold(server, REQUEST_COUNT + 1);
    return RAW_CLOSE;
}

static enum raw_next serve_reset(struct raw_server *server,
                                 const struct raw_request *request)
{
    (void)server;
    (void)request;
    return RAW_RESET;
}

static enum raw_next serve_well(struct raw_server *server,
                                const struct raw_request *request)
{
    (void)server;
    raw_answer(request->fd, 200, "", "{}");
    return RAW_KEEP;
}

/* Answers the n-th request with the n-th text of `test`, then hangs up. */
static enum raw_next serve_text(struct raw_server *server,
                                const struct raw_request *request)
{
    const char *const *texts = server->test;

    raw_say(request->fd, texts[request->number - 1]);
    return RAW_CLOSE;
}

static const struct dlr_answer *first_answer(serve_function *serve)
{
    begin(serve);
    return exchange(&fixture.requests[0]);
}

static void connection_reset_before_an_answer_is_told(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    answer = first_answer(serve_reset);
    assert_int_equal(answer->http_status, 0);
    assert_int_not_equal(answer->system_code, 0);
    assert_contains(answer->message, "broke before an answer came");
}

static void answers_that_are_no_http_are_no_answers(void **state)
{
    static const char *texts[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 2 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Datalyr-Batch: 5\r\n",
        "\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nabcde",
    };

    (void)state;
    fixture.server.test = texts;
    begin(serve_text);
    for (size_t i = 0; i < 6; i++) {
        const struct dlr_answer *answer = exchange(&fixture.requests[i]);

        if (answer->http_status != 0) {
            fail_msg("taken: %s", texts[i]);
        }
        assert_int_not_equal(answer->system_code, 0);
        assert_int_equal(answer->batch_limit, 0);
        assert_true(answer->message[0] != '\0');
    }
    /* A bad length: with a status or without, but never complete success
     * with a body that was not sent. */
    for (size_t i = 6; i < 8; i++) {
        const struct dlr_answer *answer = exchange(&fixture.requests[i]);

        assert_true(answer->system_code != 0 || answer->body.len <= 5);
    }
}

static void answer_that_breaks_off_has_a_status_and_a_code(void **state)
{
    static const char *texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"accepted\":1",
        "HTTP/1.1 503 No\r\nContent-Length: 100\r\nRetry-After: 3\r\n\r\nbusy",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nab",
    };
    const struct dlr_answer *answer;

    (void)state;
    fixture.server.test = texts;
    answer = first_answer(serve_text);
    assert_int_equal(answer->http_status, 200);
    assert_int_not_equal(answer->system_code, 0);
    assert_true(answer->is_truncated);
    assert_contains(answer->message, "the answer 200 of the server broke off");
    answer = exchange(&fixture.requests[1]);
    assert_int_equal(answer->http_status, 503);
    assert_int_not_equal(answer->system_code, 0);
    assert_int_equal(answer->retry_after_ms, 3000);
    answer = exchange(&fixture.requests[2]);
    assert_int_equal(answer->http_status, 200);
    assert_int_not_equal(answer->system_code, 0);
}

static enum raw_next serve_without_end(struct raw_server *server,
                                       const struct raw_request *request)
{
    static const char block[65536];

    raw_say(request->fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (!atomic_load(&server->is_stopping) &&
           send(request->fd, block, sizeof block, MSG_NOSIGNAL) > 0) {
    }
    return RAW_CLOSE;
}

static void answer_without_end_is_cut_at_the_ceiling(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    answer = first_answer(serve_without_end);
    assert_int_equal(answer->http_status, 200);
    assert_int_equal(answer->system_code, 0);
    assert_true(answer->is_truncated);
    assert_in_range(answer->body.len, 4 << 19, 4 << 20);
    assert_string_equal(answer->message, "");
}

static enum raw_next serve_only_the_first(struct raw_server *server,
                                          const struct raw_request *request)
{
    if (request->number == 1) {
        return serve_well(server, request);
    }
    return serve_nothing(server, request);
}

static void silent_server_is_given_up_on_time(void **state)
{
    const struct dlr_answer *answer;

    (void)state;
    begin(serve_only_the_first);
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    fixture.requests[0].timeout_ms = 30;
    answer = exchange(&fixture.requests[0]);
    assert_int_equal(answer->http_status, 0);
    assert_contains(answer->message, "no answer from 127.0.0.1:");
    assert_contains(answer->message, " within 30 ms");
    /* No time at all is not "for ever". */
    fixture.requests[1].timeout_ms = 0;
    assert_int_equal(exchange(&fixture.requests[1])->http_status, 0);
    fixture.requests[1].timeout_ms = -5;
    assert_int_equal(exchange(&fixture.requests[1])->http_status, 0);
}

static void refused_connection_is_told(void **state)
{
    char expected[64];

    (void)state;
    begin(serve_well);
    raw_stop(&fixture.server);
    fixture.server.serve = NULL;
    (void)snprintf(expected, sizeof expected,
                   "connection refused by 127.0.0.1:%u",
                   (unsigned)fixture.server.port);
    assert_string_equal(exchange(&fixture.requests[0])->message, expected);
    assert_int_equal(fixture.requests[0].answer.http_status, 0);
}

/* Hangs up after each answer, without having said so. */
static enum raw_next serve_once(struct raw_server *server,
                                const struct raw_request *request)
{
    (void)server;
    raw_answer(request->fd, 200, "", "{}");
    return RAW_CLOSE;
}

static void connection_closed_while_it_rests_is_replaced(void **state)
{
    (void)state;
    begin(serve_once);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
        assert_int_equal(atomic_load(&fixture.server.connections), i);
        assert_int_equal(atomic_load(&fixture.server.requests), i);
        while (atomic_load(&fixture.server.closed) < i) {
        }
        if (i % 2 == 0) {
            assert_null(poll_next(1)); /* now the poller has seen it too */
        }
    }
}

/* Kills each connection when it is used again. */
static enum raw_next serve_once_then_reset(struct raw_server *server,
                                           const struct raw_request *request)
{
    return request->number_here == 1 ? serve_well(server, request) : RAW_RESET;
}

static void connection_that_dies_as_it_is_used_again_is_no_failure(void **state)
{
    (void)state;
    begin(serve_once_then_reset);
    for (int i = 1; i <= 20; i++) {
        assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
        assert_int_equal(atomic_load(&fixture.server.connections), i);
    }
}

static volatile sig_atomic_t pipe_signals;

static void count_pipe_signal(int number)
{
    (void)number;
    pipe_signals++;
}

static void writing_to_a_dead_connection_raises_no_signal(void **state)
{
    static char body[2000000];
    struct sigaction action = {.sa_handler = count_pipe_signal};
    struct sigaction before;

    (void)state;
    assert_int_equal(sigaction(SIGPIPE, &action, &before), 0);
    pipe_signals = 0;
    fixture.server.should_reset_at_once = true;
    begin(serve_well);
    for (int i = 0; i < 20; i++) {
        fixture.requests[0].body = body;
        fixture.requests[0].body_len = sizeof body;
        assert_int_equal(exchange(&fixture.requests[0])->http_status, 0);
    }
    assert_int_equal(pipe_signals, 0);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
}

static enum raw_next serve_all_but_the_first(struct raw_server *server,
                                             const struct raw_request *request)
{
    if (request->number == 1) {
        return serve_nothing(server, request);
    }
    return serve_well(server, request);
}

static void cancelled_request_gives_its_body_back(void **state)
{
    char *body = strdup("{\"event\":\"a\"}");

    (void)state;
    begin(serve_all_but_the_first);
    fixture.requests[0].body = body;
    fixture.requests[0].body_len = strlen(body);
    submit(&fixture.requests[0]);
    while (atomic_load(&fixture.server.requests) == 0) {
        assert_null(poll_next(1));
    }
    fixture.transport->cancel(fixture.transport, &fixture.requests[0]);
    free(body); /* the sanitizers see whoever still reads it */
    assert_null(fixture.requests[0].handle);
    fixture.transport->cancel(fixture.transport, &fixture.requests[0]);
    assert_int_equal(exchange(&fixture.requests[1])->http_status, 200);
    assert_null(poll_next(0));
}

static void request_cancelled_before_its_first_poll_is_never_sent(void **state)
{
    (void)state;
    begin(serve_well);
    submit(&fixture.requests[0]);
    fixture.transport->cancel(fixture.transport, &fixture.requests[0]);
    assert_int_equal(exchange(&fixture.requests[1])->http_status, 200);
    assert_int_equal(atomic_load(&fixture.server.requests), 1);
}

static void finished_request_may_still_be_cancelled(void **state)
{
    (void)state;
    begin(serve_well);
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        submit(&fixture.requests[i]);
    }
    assert_non_null(poll_next(PATIENCE_MS));
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        fixture.transport->cancel(fixture.transport, &fixture.requests[i]);
    }
    assert_null(poll_next(0));
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        submit(&fixture.requests[i]); /* every place is free again */
    }
}

static void closing_leaves_requests_alone(void **state)
{
    (void)state;
    begin(serve_nothing);
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        submit(&fixture.requests[i]);
    }
    assert_null(poll_next(1));
    dlr_transport_close(&fixture.transport);
    for (size_t i = 0; i < MAX_IN_FLIGHT; i++) {
        assert_null(fixture.requests[i].handle);
    }
}

static void wake_transport(void *arg)
{
    struct dlr_transport *transport = arg;

    transport->wake(transport);
}

static void wake_ends_the_wait_of_now_or_the_next_one(void **state)
{
    struct dlr_thread thread = {0};

    (void)state;
    begin(serve_nothing);
    fixture.transport->wake(fixture.transport);
    assert_null(poll_next(-1));
    submit(&fixture.requests[0]);
    assert_int_equal(
        dlr_thread_start(&thread, "waker", wake_transport, fixture.transport),
        0);
    assert_null(poll_next(-1));
    dlr_thread_join(&thread);
}

static enum raw_next serve_when_released(struct raw_server *server,
                                         const struct raw_request *request)
{
    raw_hold(server, REQUEST_COUNT + 1);
    raw_answer(request->fd, 200, "", "{}");
    return RAW_KEEP;
}

static void wake_seen_beside_an_answer_is_not_lost(void **state)
{
    (void)state;
    begin(serve_when_released);
    submit(&fixture.requests[0]);
    while (atomic_load(&fixture.server.requests) == 0) {
        assert_null(poll_next(0));
    }
    fixture.transport->wake(fixture.transport);
    raw_release(&fixture.server);
    /* Whichever of the two a poll sees first, both come out. */
    if (poll_next(-1) == NULL) {
        assert_ptr_equal(poll_next(-1), &fixture.requests[0]);
    } else {
        assert_null(poll_next(-1));
    }
}

/* The resolver of this program: names below .hang.test do not resolve before
 * the test says so. libcurl calls this one, since the program comes first. */
static pthread_mutex_t gate_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t gate_changed = PTHREAD_COND_INITIALIZER;
static bool gate_is_shut;
static int gate_waiting;
static int gate_visits;

__attribute__((visibility("default"))) int
getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
            struct addrinfo **out)
{
    typedef int resolver(const char *, const char *, const struct addrinfo *,
                         struct addrinfo **);
    resolver *real;

    if (name != NULL && strstr(name, "hang.test") != NULL) {
        pthread_mutex_lock(&gate_lock);
        gate_visits++;
        gate_waiting++;
        while (gate_is_shut) {
            pthread_cond_wait(&gate_changed, &gate_lock);
        }
        gate_waiting--;
        pthread_cond_broadcast(&gate_changed);
        pthread_mutex_unlock(&gate_lock);
        return EAI_NONAME;
    }
    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    return real(name, service, hints, out);
}

static int waiting_at_gate(void)
{
    int waiting;

    pthread_mutex_lock(&gate_lock);
    waiting = gate_waiting;
    pthread_mutex_unlock(&gate_lock);
    return waiting;
}

static void open_gate(void)
{
    pthread_mutex_lock(&gate_lock);
    gate_is_shut = false;
    pthread_cond_broadcast(&gate_changed);
    while (gate_waiting > 0) {
        pthread_cond_wait(&gate_changed, &gate_lock);
    }
    pthread_mutex_unlock(&gate_lock);
}

static void hanging_resolver_holds_up_nothing(void **state)
{
    struct dlr_curl_settings settings =
        settings_for("http://collector.hang.test/track");

    (void)state;
    gate_is_shut = true;
    open_transport(&settings);
    for (size_t i = 0; i < 4; i++) {
        submit(&fixture.requests[i]);
    }
    while (waiting_at_gate() < 4) {
        assert_null(poll_next(1));
    }
    fixture.transport->cancel(fixture.transport, &fixture.requests[0]);
    fixture.requests[4].timeout_ms = 20;
    assert_contains(exchange(&fixture.requests[4])->message,
                    "no address found for collector.hang.test:80 within 20 ms");
    dlr_transport_close(&fixture.transport);
    /* All of this while the resolver still hangs. */
    assert_true(gate_is_shut);
    assert_in_range(waiting_at_gate(), 4, 5);
    open_gate();
}

static void name_that_does_not_resolve_is_told(void **state)
{
    struct dlr_curl_settings settings = settings_for("http://a.hang.test/");

    (void)state;
    open_transport(&settings);
    gate_visits = 0;
    assert_string_equal(exchange(&fixture.requests[0])->message,
                        "cannot resolve host a.hang.test");
    assert_int_equal(gate_visits, 1); /* no other resolver was asked */
    assert_int_equal(fixture.requests[0].answer.http_status, 0);
}

/* How many descriptors of this process are connected to the server. */
static int count_connections(void)
{
    int count = 0;

    for (int fd = 3; fd < 256; fd++) {
        struct sockaddr_in peer = {0};
        socklen_t len = sizeof peer;

        if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 &&
            ntohs(peer.sin_port) == fixture.server.port) {
            count++;
        }
    }
    return count;
}

static void forked_child_gives_up_the_connections_of_its_parent(void **state)
{
    int how = 0;
    pid_t child;

    (void)state;
    begin(serve_well);
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    child = fork();
    if (child == 0) {
        int before = count_connections();

        dlr_transport_abandon(&fixture.transport);
        _exit(before == 1 && count_connections() == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
    /* And the parent goes on with the same connection. */
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    assert_int_equal(atomic_load(&fixture.server.connections), 1);
}

static void late_child_does_not_close_files_that_are_not_ours(void **state)
{
    int how = 0;
    pid_t child;

    (void)state;
    begin(serve_well);
    assert_int_equal(exchange(&fixture.requests[0])->http_status, 200);
    child = fork();
    if (child == 0) {
        int pair[2];
        bool is_good = socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;

        /* As a daemon does: close everything, then open files of its own. */
        for (int fd = 3; is_good && fd < 256; fd++) {
            is_good = fd == pair[0] || fd == pair[1] || dup2(pair[0], fd) == fd;
        }
        dlr_transport_abandon(&fixture.transport);
        for (int fd = 3; is_good && fd < 256; fd++) {
            is_good = fcntl(fd, F_GETFD) >= 0;
        }
        _exit(is_good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_int_equal(how, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CURL_TEST(connection_reset_before_an_answer_is_told),
        CURL_TEST(answers_that_are_no_http_are_no_answers),
        CURL_TEST(answer_that_breaks_off_has_a_status_and_a_code),
        CURL_TEST(answer_without_end_is_cut_at_the_ceiling),
        CURL_TEST(silent_server_is_given_up_on_time),
        CURL_TEST(refused_connection_is_told),
        CURL_TEST(connection_closed_while_it_rests_is_replaced),
        CURL_TEST(connection_that_dies_as_it_is_used_again_is_no_failure),
        CURL_TEST(writing_to_a_dead_connection_raises_no_signal),
        CURL_TEST(cancelled_request_gives_its_body_back),
        CURL_TEST(request_cancelled_before_its_first_poll_is_never_sent),
        CURL_TEST(finished_request_may_still_be_cancelled),
        CURL_TEST(closing_leaves_requests_alone),
        CURL_TEST(wake_ends_the_wait_of_now_or_the_next_one),
        CURL_TEST(wake_seen_beside_an_answer_is_not_lost),
        CURL_TEST(hanging_resolver_holds_up_nothing),
        CURL_TEST(name_that_does_not_resolve_is_told),
        CURL_TEST(forked_child_gives_up_the_connections_of_its_parent),
        CURL_TEST(late_child_does_not_close_files_that_are_not_ours),
    };

    return cmocka_run_group_tests_name("curl_fault", tests, NULL, NULL);
}
