/* SPDX-License-Identifier: MIT */
/*
 * Process: numbers and birthdays of processes, from /proc.
 */
#include "os/process.h"

#include "os/crc32c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Fields of /proc/PID/stat behind the name, which is the second (proc(5)). */
#define FIELDS_BEFORE_START 19

int64_t dlr_process_id(void)
{
    return getpid();
}

/* Reads the whole of a small file, with a NUL. */
static bool read_small(const char *path, char *out, size_t cap)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;

    if (fd < 0) {
        return false;
    }
    do {
        count = read(fd, out, cap - 1);
    } while (count < 0 && errno == EINTR);
    (void)close(fd);
    if (count <= 0) {
        return false;
    }
    out[count] = '\0';
    return true;
}

bool dlr_process_start_ticks(int64_t pid, uint64_t *ticks)
{
    char path[48];
    char text[1024];
    char *at;
    char *end;

    (void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
    if (pid <= 0 || !read_small(path, text, sizeof text)) {
        return false;
    }
    /* The name may hold spaces and brackets; the last bracket ends it. */
    at = strrchr(text, ')');
    for (int i = 0; i < FIELDS_BEFORE_START && at != NULL; i++) {
        at = strchr(at + 1, ' ');
    }
    at = at == NULL ? NULL : strchr(at + 1, ' ');
    if (at == NULL) {
        return false;
    }
    *ticks = strtoull(at + 1, &end, 10);
    return end > at + 1;
}

uint32_t dlr_process_boot_mark(void)
{
    char id[64];
    uint32_t mark;

    if (!read_small("/proc/sys/kernel/random/boot_id", id, sizeof id)) {
        return 0;
    }
    mark = dlr_crc32c(0, id, strlen(id));
    return mark == 0 ? 1 : mark;
}

void dlr_process_wipe_argument(char *argument)
{
    /* Volatile, or the compiler drops stores that it sees nobody read. */
    volatile char *at = argument;

    while (*at != '\0') {
        *at++ = '*';
    }
}
