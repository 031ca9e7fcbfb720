/* SPDX-License-Identifier: MIT */
#include "base/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void loopback_is_told_by_the_text(void **state)
{
    static const char *const loopback[] = {
        "localhost", "LocalHost.", "a.localhost", "127.0.0.1",
        "127.9.8.7", "::1",        "[::1]"};
    static const char *const others[] = {"",
                                         "example.com",
                                         "localhost.example.com",
                                         "127.0.0.1.nip.io",
                                         "127.a.0.1",
                                         "128.0.0.1",
                                         "notlocalhost",
                                         "[::2]",
                                         "127.1",
                                         "["};

    (void)state;
    for (size_t i = 0; i < sizeof loopback / sizeof *loopback; i++) {
        if (!dlr_host_is_loopback(dlr_text_of(loopback[i]))) {
            fail_msg("%s is not taken for loopback", loopback[i]);
        }
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (dlr_host_is_loopback(dlr_text_of(others[i]))) {
            fail_msg("%s is taken for loopback", others[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loopback_is_told_by_the_text),
    };

    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
