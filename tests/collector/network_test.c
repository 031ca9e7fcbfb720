/* SPDX-License-Identifier: MIT */
/*
 * Proves: addresses are read in the forms that proxies write, and a network has
 * its addresses and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* After those it needs. */
#include <cmocka.h>

#include "http/network.h"

static void addresses_are_read_in_all_forms(void **state)
{
    static const char *const pairs[][2] = {
        {"127.0.0.1", "127.0.0.1"},
        {" 10.1.2.3:8080 ", "10.1.2.3"},
        {"::1", "::1"},
        {"[::1]", "::1"},
        {"[2001:db8::2]:80", "2001:db8::2"},
        {"::ffff:10.0.0.1", "10.0.0.1"},
    };
    static const char *const bad[] = {
        "",           "unknown", "_hidden", "10.0.0",
        "10.0.0.256", "[::1",    "1::2::3", "10.0.0.1.example",
    };
    struct dld_address address;
    char text[DLD_ADDRESS_TEXT_CAP];

    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(dld_address_read(dlr_text_of(pairs[i][0]), &address));
        dld_address_format(&address, text);
        assert_string_equal(text, pairs[i][1]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(dld_address_read(dlr_text_of(bad[i]), &address));
    }
    address = (struct dld_address){0};
    dld_address_format(&address, text);
    assert_string_equal(text, "");
}

static void loopback_is_known_in_both_families(void **state)
{
    static const char *const near[] = {"127.0.0.1", "127.9.9.9", "::1",
                                       "::ffff:127.0.0.1"};
    static const char *const far[] = {"128.0.0.1", "10.0.0.1", "::2",
                                      "::", "fe80::1"};
    struct dld_address address;

    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++) {
        assert_true(dld_address_read(dlr_text_of(near[i]), &address));
        assert_true(dld_address_is_loopback(&address));
    }
    for (size_t i = 0; i < sizeof far / sizeof far[0]; i++) {
        assert_true(dld_address_read(dlr_text_of(far[i]), &address));
        assert_false(dld_address_is_loopback(&address));
    }
}

struct network_case {
    const char *network;
    const char *address;
    bool is_inside;
};

static void networks_end_at_their_last_bit(void **state)
{
    static const struct network_case cases[] = {
        {"10.0.0.1", "10.0.0.1", true},
        {"10.0.0.1", "10.0.0.2", false},
        {"10.0.0.0/8", "10.255.0.2", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"192.168.4.0/23", "192.168.5.255", true},
        {"192.168.4.0/23", "192.168.6.0", false},
        {"0.0.0.0/0", "8.8.8.8", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "8.8.8.8", true},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
    };
    static const char *const bad[] = {"10.0.0.0/33", "::/129", "10.0.0.0/",
                                      "10.0.0.0/x",  "/8",     "localhost"};
    struct dld_networks networks = {.count = 1};
    struct dld_address address;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(dld_network_read(dlr_text_of(cases[i].network),
                                     &networks.items[0]));
        assert_true(dld_address_read(dlr_text_of(cases[i].address), &address));
        assert_int_equal(dld_networks_have(&networks, &address),
                         cases[i].is_inside);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(dld_network_read(dlr_text_of(bad[i]), &networks.items[0]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_read_in_all_forms),
        cmocka_unit_test(loopback_is_known_in_both_families),
        cmocka_unit_test(networks_end_at_their_last_bit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
