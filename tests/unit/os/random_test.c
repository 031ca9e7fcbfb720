/* SPDX-License-Identifier: MIT */
#include "os/random.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void large_and_small_requests_are_filled_whole(void **state)
{
    static const size_t sizes[] = {1, 16, 256, 257, 512, 100000};
    static unsigned char bytes[100001];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t changed = 0;

        /* Each byte differs from zero in one of ten tries, or luck is out: one
         * in 10^19 runs. */
        for (int round = 0; round < 10; round++) {
            memset(bytes, 0, sizeof bytes);
            assert_true(dlr_random_fill(bytes, sizes[i]));
            assert_int_equal(bytes[sizes[i]], 0);
            changed += bytes[0] != 0;
            changed += bytes[sizes[i] - 1] != 0;
        }
        assert_true(changed > 0);
    }
    assert_true(dlr_random_fill(bytes, 0));
}

static void two_fills_differ(void **state)
{
    unsigned char first[32];
    unsigned char second[32];

    (void)state;
    assert_true(dlr_random_fill(first, sizeof first));
    assert_true(dlr_random_fill(second, sizeof second));
    assert_memory_not_equal(first, second, sizeof first);
}

static void numbers_use_all_their_bits(void **state)
{
    uint64_t ones = 0;
    uint64_t zeros = 0;

    (void)state;
    for (int i = 0; i < 100; i++) {
        uint64_t number = dlr_random_uint64();

        ones |= number;
        zeros |= ~number;
    }
    assert_true(ones == UINT64_MAX);
    assert_true(zeros == UINT64_MAX);
}

/* Makes two system calls fail with ENOSYS in this process for good, as sandboxes
 * and old kernels do. */
static bool forbid(unsigned first, unsigned second)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

enum { AS_EXPECTED, UNEXPECTED, NO_SECCOMP };

/* Runs `try` in a child where the two calls are forbidden. */
static void run_forbidden(unsigned first, unsigned second, bool (*try)(void))
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        if (!forbid(first, second)) {
            _exit(NO_SECCOMP);
        }
        _exit(try() ? AS_EXPECTED : UNEXPECTED);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_SECCOMP) {
        (void)printf("# skipped: no seccomp filters here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), AS_EXPECTED);
}

static bool fills_twice_differently(void)
{
    unsigned char first[32] = {0};
    unsigned char second[32] = {0};

    return dlr_random_fill(first, sizeof first) &&
           dlr_random_fill(second, sizeof second) &&
           memcmp(first, second, sizeof first) != 0;
}

static bool fills_nothing_but_has_numbers(void)
{
    static const unsigned char zeros[32];
    unsigned char bytes[32] = {1, 2, 3};

    return !dlr_random_fill(bytes, sizeof bytes) &&
           memcmp(bytes, zeros, sizeof bytes) == 0 &&
           dlr_random_uint64() != dlr_random_uint64();
}

static void without_getrandom_the_device_serves(void **state)
{
    (void)state;
    run_forbidden(SYS_getrandom, SYS_getrandom, fills_twice_differently);
}

static void without_any_source_filling_fails_and_leaves_zeros(void **state)
{
    (void)state;
    run_forbidden(SYS_getrandom, SYS_openat, fills_nothing_but_has_numbers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(large_and_small_requests_are_filled_whole),
        cmocka_unit_test(two_fills_differ),
        cmocka_unit_test(numbers_use_all_their_bits),
        cmocka_unit_test(without_getrandom_the_device_serves),
        cmocka_unit_test(without_any_source_filling_fails_and_leaves_zeros),
    };

    return cmocka_run_group_tests_name("random", tests, NULL, NULL);
}
