/* SPDX-License-Identifier: MIT */
/*
 * Support: servers and processes. HTTP here is a handful of bytes over a
 * socket, so that the tests of a library on libcurl do not lean on libcurl.
 * Nothing in this file calls the library: a test that loads it at run time has
 * this file, too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGUMENTS 32

extern char **environ;

int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now); /* cannot fail */
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ------------------------------------------------------------------ server */

static void read_address(struct faultd *server, int fd)
{
    char line[128] = "";
    size_t len = 0;

    while (len + 1 < sizeof line && strchr(line, '\n') == NULL) {
        ssize_t got = read(fd, line + len, sizeof line - 1 - len);

        if (got <= 0) {
            fail_msg("datalyr-faultd did not start");
        }
        len += (size_t)got;
        line[len] = '\0';
    }
    if (sscanf(line, "http://127.0.0.1:%d", &server->port) != 1) {
        fail_msg("datalyr-faultd said '%s'", line);
    }
    (void)snprintf(server->url, sizeof server->url, "http://127.0.0.1:%d/track",
                   server->port);
}

/* posix_spawn and not fork: the tests of forking count forks. */
static void spawn(struct faultd *server, char **command, int output)
{
    posix_spawn_file_actions_t actions;
    int failure;

    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, output, 1), 0);
    failure =
        posix_spawn(&server->pid, command[0], &actions, NULL, command, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (failure != 0) {
        fail_msg("%s: %s", command[0], strerror(failure));
    }
}

void faultd_start(struct faultd *server, const char *const *arguments)
{
    const char *folder = getenv("DATALYR_BIN");
    char program[1024];
    char *command[MAX_ARGUMENTS + 2] = {program};
    int ends[2];

    (void)snprintf(program, sizeof program, "%s/datalyr-faultd",
                   folder == NULL ? "build/bin" : folder);
    for (size_t i = 0; arguments != NULL && arguments[i] != NULL; i++) {
        assert_true(i < MAX_ARGUMENTS);
        command[i + 1] = (char *)(uintptr_t)arguments[i];
    }
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    spawn(server, command, ends[1]);
    (void)close(ends[1]);
    read_address(server, ends[0]);
    (void)close(ends[0]);
}

void faultd_stop(struct faultd *server)
{
    if (server->pid > 0) {
        (void)kill(server->pid, SIGTERM);
        assert_int_equal(wait_child(server->pid), 0);
        server->pid = 0;
    }
}

static int connect_to(const struct faultd *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)server->port)};
    struct timeval patience = {PATIENCE_MS / 1000, 0};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 ||
        connect(fd, (struct sockaddr *)&address, sizeof address) != 0) {
        fail_msg("cannot reach datalyr-faultd: %s", strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* Asks the admin API; the answer with its head is put into `answer`. */
static void ask(const struct faultd *server, const char *method,
                const char *path, const char *body, char answer[4096])
{
    char message[4096];
    int fd = connect_to(server);
    int len = snprintf(message, sizeof message,
                       "%s %s HTTP/1.1\r\nConnection: close\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       method, path, strlen(body), body);
    size_t filled = 0;
    ssize_t got = 1;

    assert_true(len > 0 && (size_t)len < sizeof message);
    assert_int_equal(send(fd, message, (size_t)len, MSG_NOSIGNAL), len);
    while (got > 0 && filled < 4095) {
        got = recv(fd, answer + filled, 4095 - filled, 0);
        filled += got > 0 ? (size_t)got : 0;
    }
    answer[filled] = '\0';
    (void)close(fd);
    if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0) {
        fail_msg("%s %s: %s", method, path, answer);
    }
}

int64_t faultd_count(const struct faultd *server, const char *name)
{
    char answer[4096];
    char key[64];
    const char *found;
    int64_t count = 0;

    (void)snprintf(key, sizeof key, "\"%s\":", name);
    ask(server, "GET", "/__ledger", "", answer);
    found = strstr(answer, key);
    if (found == NULL || sscanf(found + strlen(key), "%" SCNd64, &count) != 1) {
        fail_msg("there is no %s in %s", name, answer);
    }
    return count;
}

void faultd_await(const struct faultd *server, const char *name, int64_t count)
{
    char answer[4096];
    char path[256];

    (void)snprintf(path, sizeof path, "/__ledger?%s=%" PRId64 "&timeout=%dms",
                   name, count, PATIENCE_MS);
    ask(server, "GET", path, "", answer);
}

void faultd_set_rules(const struct faultd *server, const char *rules)
{
    char answer[4096];

    ask(server, "PUT", "/__faults", rules, answer);
}

void faultd_release(const struct faultd *server)
{
    char answer[4096];

    ask(server, "POST", "/__faults/release", "", answer);
}

/* --------------------------------------------------------------- processes */

static int count_entries(const char *path)
{
    DIR *folder = opendir(path);
    int count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count - 2; /* . and .. */
}

int count_threads(void)
{
    return count_entries("/proc/self/task");
}

int count_descriptors(void)
{
    return count_entries("/proc/self/fd") - 1; /* the folder's own */
}

int count_sockets(void)
{
    int count = 0;

    for (int fd = 0; fd < 65536; fd++) {
        int type = 0;
        socklen_t len = sizeof type;

        /* Unix sockets are what a library wakes itself with. */
        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &type, &len) == 0 &&
            (type == AF_INET || type == AF_INET6)) {
            count++;
        }
    }
    return count;
}

pid_t fork_child(void)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    pid_t child = fork();

    assert_true(child >= 0);
    for (size_t i = 0; child == 0 && i < sizeof crashes / sizeof crashes[0];
         i++) {
        (void)signal(crashes[i], SIG_DFL); /* these can be set */
    }
    return child;
}

int wait_child(pid_t child)
{
    int status = 0;

    while (waitpid(child, &status, 0) < 0) {
        assert_int_equal(errno, EINTR);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

void remove_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0) {
            assert_int_equal(unlinkat(dirfd(folder), entry->d_name, 0), 0);
        }
    }
    (void)closedir(folder);
    assert_int_equal(rmdir(path), 0);
}
