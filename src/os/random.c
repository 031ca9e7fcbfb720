/* SPDX-License-Identifier: MIT */
/*
 * Randomness: getrandom(), and /dev/urandom where a sandbox or an old kernel
 * does not have it.
 */
#include "os/random.h"

#include "os/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/types.h>
#include <unistd.h>

/* One read by either way; -1 with errno. */
static ssize_t read_some(int fd, void *bytes, size_t len)
{
    return fd < 0 ? getrandom(bytes, len, 0) : read(fd, bytes, len);
}

static bool fill_from(int fd, char *at, size_t len)
{
    while (len > 0) {
        ssize_t count = read_some(fd, at, len);

        if (count <= 0) {
            if (count < 0 && errno == EINTR) {
                continue;
            }
            return false;
        }
        at += count;
        len -= (size_t)count;
    }
    return true;
}

bool dlr_random_fill(void *bytes, size_t len)
{
    int fd;
    bool is_filled;

    if (fill_from(-1, bytes, len)) {
        return true;
    }
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    is_filled = fd >= 0 && fill_from(fd, bytes, len);
    if (fd >= 0) {
        (void)close(fd);
    }
    if (!is_filled) {
        memset(bytes, 0, len);
    }
    return is_filled;
}

uint64_t dlr_random_uint64(void)
{
    uint64_t value;

    if (!dlr_random_fill(&value, sizeof value)) {
        /* Spreads the clock over all bits: jitter needs no more. */
        value =
            (uint64_t)dlr_clock_monotonic_ns() * UINT64_C(0x9e3779b97f4a7c15);
    }
    return value;
}
