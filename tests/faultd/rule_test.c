/* SPDX-License-Identifier: MIT */
/*
 * The rules of datalyr-faultd: what the language says and what it refuses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule.h"

#include <stdio.h>
#include <string.h>

static bool has_name(const void *request, const char *name)
{
    return request != NULL && strcmp(request, name) == 0;
}

static struct dlf_facts facts_of(const char *name)
{
    struct dlf_facts facts = {.path = "/track",
                              .body_bytes = 500,
                              .event_count = 1,
                              .has_name = has_name,
                              .request = name};

    return facts;
}

static void add(struct dlf_rules *rules, const char *text)
{
    char problem[256] = "";

    if (!dlf_rules_add(rules, text, strlen(text), problem)) {
        fail_msg("%s: %s", text, problem);
    }
}

static struct dlf_plan plan_for(struct dlf_rules *rules, const char *name)
{
    struct dlf_facts facts = facts_of(name);
    struct dlf_plan plan;

    dlf_rules_plan(rules, &facts, &plan);
    return plan;
}

static int status_for(struct dlf_rules *rules)
{
    return plan_for(rules, NULL).effect.status;
}

static void counted_rules_make_a_sequence(void **state)
{
    static struct dlf_rules rules;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "next 2: status 503\nnext 1: 429 retry-after 2");
    assert_int_equal(status_for(&rules), 503);
    assert_int_equal(status_for(&rules), 503);
    assert_int_equal(status_for(&rules), 429);
    assert_int_equal(status_for(&rules), 0);
    assert_int_equal(rules.items[0].applied_count, 2);
    assert_int_equal(rules.items[1].applied_count, 1);
}

static void rules_on_other_matters_go_along(void **state)
{
    static struct dlf_rules rules;
    struct dlf_plan plan;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "next 1: status 503; always: delay 50ms; always: delay 1s");
    plan = plan_for(&rules, NULL);
    assert_int_equal(plan.effect.status, 503);
    assert_int_equal(plan.effect.delay_ms, 50);
    assert_int_equal(rules.items[2].applied_count, 0);
    plan = plan_for(&rules, NULL);
    assert_int_equal(plan.effect.status, 0);
    assert_int_equal(plan.effect.delay_ms, 50);
}

static void skip_lets_requests_through_first(void **state)
{
    static struct dlf_rules rules;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "skip 2 next 1: 500");
    assert_int_equal(status_for(&rules), 0);
    assert_int_equal(status_for(&rules), 0);
    assert_int_equal(status_for(&rules), 500);
    assert_int_equal(status_for(&rules), 0);
}

static int count_failures(uint64_t seed, char pattern[1001])
{
    static struct dlf_rules rules;
    int failures = 0;

    dlf_rules_reset(&rules, seed);
    add(&rules, "always 20%: status 503");
    for (int i = 0; i < 1000; i++) {
        bool has_failed = status_for(&rules) == 503;

        failures += has_failed ? 1 : 0;
        pattern[i] = has_failed ? 'x' : '.';
    }
    pattern[1000] = '\0';
    return failures;
}

static void chances_follow_the_seed(void **state)
{
    char first[1001];
    char again[1001];
    char other[1001];

    (void)state;
    assert_in_range(count_failures(1, first), 150, 250);
    assert_in_range(count_failures(1, again), 150, 250);
    assert_in_range(count_failures(2, other), 150, 250);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
}

static void conditions_look_at_the_request(void **state)
{
    static struct dlf_rules rules;
    struct dlf_facts facts = facts_of(NULL);
    struct dlf_plan plan;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "400-if-name bad; 413-over 1KiB; on /other: 404; batch: 422");
    assert_int_equal(status_for(&rules), 0);
    assert_int_equal(plan_for(&rules, "bad").effect.status, 400);
    facts.body_bytes = 1025;
    dlf_rules_plan(&rules, &facts, &plan);
    assert_int_equal(plan.effect.status, 413);
    facts.body_bytes = 1024;
    facts.path = "/other";
    dlf_rules_plan(&rules, &facts, &plan);
    assert_int_equal(plan.effect.status, 404);
    facts.path = "/track";
    facts.event_count = 2;
    dlf_rules_plan(&rules, &facts, &plan);
    assert_int_equal(plan.effect.status, 422);
}

static void an_event_is_always_rejected_or_never(void **state)
{
    static struct dlf_rules rules;
    struct dlf_plan plan;
    int rejected = 0;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "reject 30%; reject-name bad");
    plan = plan_for(&rules, NULL);
    for (uint64_t id = 0; id < 1000; id++) {
        bool is_rejected = dlf_plan_rejects(&plan, 1, id, "good");

        rejected += is_rejected ? 1 : 0;
        assert_int_equal(dlf_plan_rejects(&plan, 1, id, "good"), is_rejected);
        assert_true(dlf_plan_rejects(&plan, 1, id, "bad"));
    }
    assert_in_range(rejected, 250, 350);
}

static void all_actions_are_understood(void **state)
{
    static struct dlf_rules rules;

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules,
        "status 503 retry-after 2 # a comment\n"
        "status 429 retry-after-date 2s\n\n"
        "always: hang; hold; reset; commit-unanswered 5%\n"
        "next 1: close before-answer; close half-way; close after-headers\n"
        "close after-answer; redirect 302 /elsewhere; 401\n"
        "body half; body empty; body garbage; body bytes 3MiB\n"
        "body text \"a; b # c\"; delay 200ms; slow 10B/s; drip\n"
        "trailing-bytes; header \"X-Thing: 1\"; reject 3%; reject-name bad\n");
    assert_int_equal(rules.count, 24);
    assert_int_equal(rules.items[0].effect.retry_after_ms, 2000);
    assert_true(rules.items[1].effect.is_retry_after_date);
    assert_int_equal(rules.items[5].effect.ending, DLF_END_COMMIT_UNANSWERED);
    assert_true(rules.items[5].chance > 0.049 && rules.items[5].chance < 0.051);
    assert_string_equal(rules.items[10].effect.location, "/elsewhere");
    assert_int_equal(rules.items[15].effect.body_bytes, 3 << 20);
    assert_string_equal(rules.items[16].effect.body_text, "a; b # c");
    assert_int_equal(rules.items[18].effect.bytes_per_second, 10);
    assert_string_equal(rules.items[21].effect.header, "X-Thing: 1");
}

static void nonsense_is_refused_with_a_sentence(void **state)
{
    static const char *const texts[] = {
        "bogus",          "next: status 503",
        "next five: 503", "120%: 503",
        "status",         "status 99",
        "status 5000",    "close",
        "close sometime", "body",
        "body full",      "delay",
        "delay fast",     "slow 0B/s",
        "slow 10",        "reject",
        "reject 3",       "redirect 302",
        "400-if-name",    "400-of-name x",
        "if-name bad:",   "sometimes: 503",
        "retry-after -1", "always:",
    };

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        static struct dlf_rules rules;
        char problem[256] = "";

        dlf_rules_reset(&rules, 1);
        if (dlf_rules_add(&rules, texts[i], strlen(texts[i]), problem)) {
            fail_msg("'%s' was understood", texts[i]);
        }
        assert_true(strlen(problem) > 10);
        assert_int_equal(rules.count, 0);
    }
}

static void a_mistake_leaves_nothing_of_its_text_behind(void **state)
{
    static struct dlf_rules rules;
    char problem[256] = "";
    const char *text = "always: 503\nalways: bogus";

    (void)state;
    dlf_rules_reset(&rules, 1);
    add(&rules, "401");
    assert_false(dlf_rules_add(&rules, text, strlen(text), problem));
    assert_int_equal(rules.count, 1);
    assert_int_equal(status_for(&rules), 401);
}

static void more_rules_than_fit_are_refused(void **state)
{
    static struct dlf_rules rules;
    char problem[256] = "";

    (void)state;
    dlf_rules_reset(&rules, 1);
    for (int i = 0; i < DLF_MAX_RULES; i++) {
        add(&rules, "next 1: 503");
    }
    assert_false(dlf_rules_add(&rules, "503", 3, problem));
    assert_int_equal(rules.count, DLF_MAX_RULES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_rules_make_a_sequence),
        cmocka_unit_test(rules_on_other_matters_go_along),
        cmocka_unit_test(skip_lets_requests_through_first),
        cmocka_unit_test(chances_follow_the_seed),
        cmocka_unit_test(conditions_look_at_the_request),
        cmocka_unit_test(an_event_is_always_rejected_or_never),
        cmocka_unit_test(all_actions_are_understood),
        cmocka_unit_test(nonsense_is_refused_with_a_sentence),
        cmocka_unit_test(a_mistake_leaves_nothing_of_its_text_behind),
        cmocka_unit_test(more_rules_than_fit_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
