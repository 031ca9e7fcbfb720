/* SPDX-License-Identifier: MIT */
/*
 * Rules: which one applies to a request. Reading them is rule_parse.c.
 *
 * DESIGN
 * Rules are asked in the order they were given. Each says something on one or
 * more matters (the verdict, the body, the delay, ...). A rule applies whole or
 * not at all: where an earlier one has had its say on one of its matters, it
 * stands back and is not counted. So `next 2: status 503` and `next 1: status
 * 429` one after the other make a sequence, and `always: delay 50ms` goes along
 * with both.
 *
 * Chances come from one seeded sequence: the same requests in the same order
 * meet the same faults. Rejections come from the event's id instead, because
 * a server that rejects an event rejects it again when it is sent again.
 */
#include "rule.h"

#include <string.h>

/* splitmix64: good enough to choose one in five, and the same everywhere. */
static uint64_t scramble(uint64_t x)
{
    x += 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static double fraction(uint64_t x)
{
    return (double)(x >> 11) / 9007199254740992.0; /* 2^53 */
}

static bool takes_chance(struct dlf_rules *rules, double chance)
{
    if (chance >= 1.0) {
        return true;
    }
    rules->random += 0x9e3779b97f4a7c15U;
    return fraction(scramble(rules->random)) < chance;
}

void dlf_rules_seed(struct dlf_rules *rules, uint64_t seed)
{
    rules->random = scramble(seed);
}

void dlf_rules_reset(struct dlf_rules *rules, uint64_t seed)
{
    memset(rules, 0, sizeof *rules);
    dlf_rules_seed(rules, seed);
}

static bool fits(const struct dlf_rule *rule, const struct dlf_facts *facts)
{
    if (rule->left_count == 0) {
        return false;
    }
    if (rule->over_bytes >= 0 &&
        (int64_t)facts->body_bytes <= rule->over_bytes) {
        return false;
    }
    if ((int64_t)facts->event_count < rule->min_events) {
        return false;
    }
    if (rule->on_path[0] != '\0' && strcmp(rule->on_path, facts->path) != 0) {
        return false;
    }
    return rule->if_name[0] == '\0' ||
           facts->has_name(facts->request, rule->if_name);
}

static void take_verdict(struct dlf_effect *to, const struct dlf_effect *from)
{
    to->status = from->status;
    to->ending = from->ending;
    to->retry_after_ms = from->retry_after_ms;
    to->is_retry_after_date = from->is_retry_after_date;
    memcpy(to->location, from->location, sizeof to->location);
}

static void take_body(struct dlf_effect *to, const struct dlf_effect *from)
{
    to->body = from->body;
    to->body_bytes = from->body_bytes;
    memcpy(to->body_text, from->body_text, sizeof to->body_text);
}

static void follow(struct dlf_plan *plan, const struct dlf_rule *rule)
{
    uint32_t matters = rule->effect.says;

    if ((matters & DLF_SAYS_VERDICT) != 0) {
        take_verdict(&plan->effect, &rule->effect);
    }
    if ((matters & DLF_SAYS_BODY) != 0) {
        take_body(&plan->effect, &rule->effect);
    }
    if ((matters & DLF_SAYS_DELAY) != 0) {
        plan->effect.delay_ms = rule->effect.delay_ms;
    }
    if ((matters & DLF_SAYS_PACE) != 0) {
        plan->effect.bytes_per_second = rule->effect.bytes_per_second;
    }
    if ((matters & DLF_SAYS_HEADER) != 0) {
        memcpy(plan->effect.header, rule->effect.header,
               sizeof plan->effect.header);
    }
    if ((matters & DLF_SAYS_REJECT) != 0) {
        plan->rejecting[plan->rejecting_count++] = rule;
    }
    plan->effect.says |= matters;
}

void dlf_rules_plan(struct dlf_rules *rules, const struct dlf_facts *facts,
                    struct dlf_plan *plan)
{
    memset(&plan->effect, 0, sizeof plan->effect);
    plan->effect.retry_after_ms = -1;
    plan->rejecting_count = 0;
    for (size_t i = 0; i < rules->count; i++) {
        struct dlf_rule *rule = &rules->items[i];
        uint32_t taken = plan->effect.says & ~(uint32_t)DLF_SAYS_REJECT;

        if ((rule->effect.says & taken) != 0 || !fits(rule, facts)) {
            continue;
        }
        if (rule->skip_count > 0) {
            rule->skip_count--;
            continue;
        }
        if (!takes_chance(rules, rule->chance)) {
            continue;
        }
        follow(plan, rule);
        rule->applied_count++;
        if (rule->left_count > 0) {
            rule->left_count--;
        }
    }
}

bool dlf_plan_rejects(const struct dlf_plan *plan, uint64_t seed,
                      uint64_t id_hash, const char *name)
{
    for (size_t i = 0; i < plan->rejecting_count; i++) {
        const struct dlf_rule *rule = plan->rejecting[i];

        if (rule->reject_name[0] != '\0' &&
            strcmp(rule->reject_name, name) == 0) {
            return true;
        }
        if (rule->reject_chance > 0 &&
            fraction(scramble(id_hash ^ seed)) < rule->reject_chance) {
            return true;
        }
    }
    return false;
}
