/* SPDX-License-Identifier: MIT */
/*
 * Rules: reading the language.
 *
 * FORMAT
 *     rules  = rule { (newline | ";") rule }       "#" comments to line's end
 *     rule   = [ when ":" ] action { action }
 *     when   = { "always" | "next" N | "skip" N | P"%" | "if-name" NAME
 *              | "over" BYTES | "on" PATH | "batch" }
 *     action = "status" N | N | N"-if-name" NAME | N"-over" BYTES
 *              | "retry-after" S | "retry-after-date" S
 *              | "hang" | "hold" | "reset" | "commit-unanswered" [P"%"]
 *              | "close" ("before-answer"|"half-way"|"after-headers"
 *                         |"after-answer")
 *              | "redirect" N LOCATION
 *              | "body" ("half"|"empty"|"garbage"|"bytes" N|"text" "...")
 *              | "delay" T | "slow" N"B/s" | "drip" | "trailing-bytes"
 *              | "header" "Name: value" | "reject" P"%" | "reject-name" NAME
 * A word with spaces stands in double quotes. Times: 200ms, 2s; after retry-after a
 * bare number is seconds, as in HTTP.
 * Sizes: 100, 4KiB, 1MiB.
 *
 * DESIGN
 * A text is read into a copy of the rules and the copy is taken when all of it
 * was understood, so that a mistake in the third line does not leave the first
 * two behind.
 */
#include "rule.h"

#include "base/mem.h"
#include "base/number.h"
#include "base/units.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* One byte each 5 ms is slow enough that no reader gets two at once, and a
 * usual answer still ends within two seconds. */
#define DRIP_BYTES_PER_SECOND 200

/* Above any sensible time or size, and far from overflow in milliseconds. */
#define MAX_AMOUNT 1000000000000000U

struct reader {
    const char *text; /* what is left of the rule */
    size_t len;
    char word[DLF_MAX_WORD];
    bool ends_when; /* the word was followed by a colon */
    bool was_quoted;
    char *problem;
};

static bool complain(struct reader *reader, const char *what, const char *which)
{
    (void)snprintf(reader->problem, 256, "%s: '%.100s'", what, which);
    return false;
}

static void skip_spaces(struct reader *reader)
{
    while (reader->len > 0 && isspace((unsigned char)*reader->text)) {
        reader->text++;
        reader->len--;
    }
}

static size_t measure_quoted(const struct reader *reader)
{
    size_t end = 1;

    while (end < reader->len && reader->text[end] != '"') {
        end++;
    }
    return end;
}

static size_t measure_plain(const struct reader *reader)
{
    size_t end = 0;

    while (end < reader->len && !isspace((unsigned char)reader->text[end])) {
        end++;
    }
    return end;
}

/* Takes the next word. False at the end, with an empty word, or when the word
 * is too long for any use (then it stays empty and the caller complains). */
static bool next_word(struct reader *reader)
{
    size_t begin = 0;
    size_t end;

    reader->word[0] = '\0';
    reader->ends_when = false;
    reader->was_quoted = false;
    skip_spaces(reader);
    if (reader->len == 0) {
        return false;
    }
    if (*reader->text == '"') {
        reader->was_quoted = true;
        begin = 1;
        end = measure_quoted(reader);
    } else {
        end = measure_plain(reader);
    }
    if (end - begin >= sizeof reader->word) {
        return false;
    }
    memcpy(reader->word, reader->text + begin, end - begin);
    reader->word[end - begin] = '\0';
    end += reader->was_quoted && end < reader->len ? 1 : 0;
    reader->text += end;
    reader->len -= end;
    if (!reader->was_quoted && end > 1 && reader->word[end - 1] == ':') {
        reader->word[end - 1] = '\0';
        reader->ends_when = true;
    } else if (reader->was_quoted && reader->len > 0 && *reader->text == ':') {
        reader->text++;
        reader->len--;
        reader->ends_when = true;
    }
    return true;
}

static bool is_word(const struct reader *reader, const char *word)
{
    return !reader->was_quoted && strcmp(reader->word, word) == 0;
}

static struct dlr_text word_of(const struct reader *reader)
{
    return dlr_text_of(reader->word);
}

static bool take_number(struct reader *reader, int64_t *number)
{
    uint64_t value = 0;

    if (!next_word(reader) || !dlr_parse_count(word_of(reader), &value) ||
        value > MAX_AMOUNT) {
        return complain(reader, "expected a number", reader->word);
    }
    *number = (int64_t)value;
    return true;
}

static bool keep_amount(struct reader *reader, bool is_read, uint64_t value,
                        int64_t *amount)
{
    if (!is_read || value > MAX_AMOUNT) {
        return complain(reader, "expected an amount with a unit", reader->word);
    }
    *amount = (int64_t)value;
    return true;
}

/* A bare number is milliseconds, or seconds where HTTP has seconds. */
static bool take_duration(struct reader *reader, uint64_t bare_unit_ms,
                          int64_t *ms)
{
    uint64_t value = 0;
    bool is_read = next_word(reader);

    if (is_read && dlr_parse_count(word_of(reader), &value)) {
        value = value > MAX_AMOUNT ? value : value * bare_unit_ms;
    } else {
        is_read = is_read && dlr_parse_duration_ms(word_of(reader), &value);
    }
    return keep_amount(reader, is_read, value, ms);
}

static bool take_size(struct reader *reader, int64_t *bytes)
{
    uint64_t value = 0;
    bool is_read =
        next_word(reader) && dlr_parse_size_bytes(word_of(reader), &value);

    return keep_amount(reader, is_read, value, bytes);
}

/* As a size, with "/s" behind it. */
static bool take_pace(struct reader *reader, int64_t *bytes_per_second)
{
    uint64_t value = 0;
    struct dlr_text word;
    bool is_read = next_word(reader);

    word = word_of(reader);
    is_read = is_read && word.len > 2 &&
              memcmp(word.ptr + word.len - 2, "/s", 2) == 0 &&
              dlr_parse_size_bytes(dlr_text_n(word.ptr, word.len - 2), &value);
    if (is_read && value == 0) {
        return complain(reader, "slower than that is `hang`", reader->word);
    }
    return keep_amount(reader, is_read, value, bytes_per_second);
}

static bool take_text(struct reader *reader, char text[DLF_MAX_WORD])
{
    if (!next_word(reader) || reader->word[0] == '\0') {
        return complain(reader, "expected a word", reader->word);
    }
    memcpy(text, reader->word, DLF_MAX_WORD);
    return true;
}

static bool is_percentage(const struct reader *reader, double *chance)
{
    struct dlr_text word = word_of(reader);
    double value = 0;

    if (word.len < 2 || word.ptr[word.len - 1] != '%' ||
        !dlr_number_read_double(word.ptr, word.len - 1, &value) || value < 0 ||
        value > 100) {
        return false;
    }
    *chance = value / 100;
    return true;
}

static bool read_condition(struct reader *reader, struct dlf_rule *rule)
{
    if (is_word(reader, "always") || is_percentage(reader, &rule->chance)) {
        return true;
    }
    if (is_word(reader, "next")) {
        return take_number(reader, &rule->left_count);
    }
    if (is_word(reader, "skip")) {
        return take_number(reader, &rule->skip_count);
    }
    if (is_word(reader, "if-name")) {
        return take_text(reader, rule->if_name);
    }
    if (is_word(reader, "on")) {
        return take_text(reader, rule->on_path);
    }
    if (is_word(reader, "over")) {
        return take_size(reader, &rule->over_bytes);
    }
    if (is_word(reader, "batch")) {
        rule->min_events = 2;
        return true;
    }
    return complain(reader, "this is no condition", reader->word);
}

/* Whether the text before the actions is a `when`: somewhere a word ends in a
 * colon. The reader is put back to the start. */
static bool has_when(const struct reader *reader)
{
    struct reader ahead = *reader;

    while (next_word(&ahead)) {
        if (ahead.ends_when) {
            return true;
        }
        /* A header's value has a colon of its own, and is an action. */
        if (is_word(&ahead, "header")) {
            return false;
        }
    }
    return false;
}

static bool read_when(struct reader *reader, struct dlf_rule *rule)
{
    bool is_last = false;

    while (!is_last) {
        if (!next_word(reader)) {
            return complain(reader, "the condition does not end", "");
        }
        is_last = reader->ends_when;
        if (!read_condition(reader, rule)) {
            return false;
        }
        is_last = is_last || reader->ends_when;
    }
    return true;
}

static bool set_status(struct reader *reader, struct dlf_rule *rule,
                       int64_t status)
{
    if (status < 200 || status > 599) {
        return complain(reader, "a status is 200 to 599", reader->word);
    }
    rule->effect.status = (int)status;
    rule->effect.says |= DLF_SAYS_VERDICT;
    return true;
}

static bool set_ending(struct dlf_rule *rule, enum dlf_ending ending)
{
    rule->effect.ending = ending;
    rule->effect.says |= DLF_SAYS_VERDICT;
    return true;
}

static bool read_close(struct reader *reader, struct dlf_rule *rule)
{
    if (!next_word(reader)) {
        return complain(reader, "close when?", "");
    }
    if (is_word(reader, "before-answer")) {
        return set_ending(rule, DLF_END_CLOSE_BEFORE);
    }
    if (is_word(reader, "half-way")) {
        return set_ending(rule, DLF_END_CLOSE_HALF_WAY);
    }
    if (is_word(reader, "after-headers")) {
        return set_ending(rule, DLF_END_CLOSE_IN_HEADERS);
    }
    if (is_word(reader, "after-answer")) {
        return set_ending(rule, DLF_END_CLOSE_AFTER);
    }
    return complain(reader, "close when?", reader->word);
}

static bool read_body(struct reader *reader, struct dlf_rule *rule)
{
    rule->effect.says |= DLF_SAYS_BODY;
    if (!next_word(reader)) {
        return complain(reader, "which body?", "");
    }
    if (is_word(reader, "half")) {
        rule->effect.body = DLF_BODY_HALF;
        return true;
    }
    if (is_word(reader, "empty")) {
        rule->effect.body = DLF_BODY_EMPTY;
        return true;
    }
    if (is_word(reader, "garbage")) {
        rule->effect.body = DLF_BODY_GARBAGE;
        return true;
    }
    if (is_word(reader, "bytes")) {
        rule->effect.body = DLF_BODY_BYTES;
        return take_size(reader, &rule->effect.body_bytes);
    }
    if (is_word(reader, "text")) {
        rule->effect.body = DLF_BODY_TEXT;
        return take_text(reader, rule->effect.body_text);
    }
    return complain(reader, "which body?", reader->word);
}

static bool read_reject(struct reader *reader, struct dlf_rule *rule)
{
    rule->effect.says |= DLF_SAYS_REJECT;
    if (!next_word(reader) || !is_percentage(reader, &rule->reject_chance)) {
        return complain(reader, "reject how many, as in 3%", reader->word);
    }
    return true;
}

/* `commit-unanswered 5%` is how people say `5%: commit-unanswered`. */
static bool read_unanswered(struct reader *reader, struct dlf_rule *rule)
{
    struct reader before = *reader;

    if (next_word(reader) && !is_percentage(reader, &rule->chance)) {
        *reader = before;
    }
    return set_ending(rule, DLF_END_COMMIT_UNANSWERED);
}

static bool read_retry_after(struct reader *reader, struct dlf_rule *rule)
{
    rule->effect.is_retry_after_date = is_word(reader, "retry-after-date");
    return take_duration(reader, 1000, &rule->effect.retry_after_ms);
}

/* 503, 400-if-name NAME, 413-over BYTES. */
static bool read_numbered(struct reader *reader, struct dlf_rule *rule)
{
    const char *tail = reader->word + strspn(reader->word, "0123456789");
    uint64_t status = 0;

    if (!dlr_parse_count(
            dlr_text_n(reader->word, (size_t)(tail - reader->word)), &status)) {
        return complain(reader, "this is no action", reader->word);
    }
    if (!set_status(reader, rule, (int64_t)(status > 999 ? 0 : status))) {
        return false;
    }
    if (*tail == '\0') {
        return true;
    }
    if (strcmp(tail, "-if-name") == 0) {
        return take_text(reader, rule->if_name);
    }
    if (strcmp(tail, "-over") == 0) {
        return take_size(reader, &rule->over_bytes);
    }
    return complain(reader, "this is no action", reader->word);
}

static bool read_redirect(struct reader *reader, struct dlf_rule *rule)
{
    int64_t status = 0;

    return take_number(reader, &status) && set_status(reader, rule, status) &&
           take_text(reader, rule->effect.location);
}

static bool read_verdict(struct reader *reader, struct dlf_rule *rule)
{
    int64_t status = 0;

    if (is_word(reader, "status")) {
        return take_number(reader, &status) && set_status(reader, rule, status);
    }
    if (is_word(reader, "retry-after") || is_word(reader, "retry-after-date")) {
        return read_retry_after(reader, rule);
    }
    if (is_word(reader, "redirect")) {
        return read_redirect(reader, rule);
    }
    if (is_word(reader, "close")) {
        return read_close(reader, rule);
    }
    if (is_word(reader, "hang")) {
        return set_ending(rule, DLF_END_HANG);
    }
    if (is_word(reader, "hold")) {
        return set_ending(rule, DLF_END_HOLD);
    }
    if (is_word(reader, "reset")) {
        return set_ending(rule, DLF_END_RESET);
    }
    if (is_word(reader, "commit-unanswered")) {
        return read_unanswered(reader, rule);
    }
    return read_numbered(reader, rule);
}

static bool read_action(struct reader *reader, struct dlf_rule *rule)
{
    struct dlf_effect *effect = &rule->effect;

    if (is_word(reader, "body")) {
        return read_body(reader, rule);
    }
    if (is_word(reader, "reject")) {
        return read_reject(reader, rule);
    }
    if (is_word(reader, "reject-name")) {
        effect->says |= DLF_SAYS_REJECT;
        return take_text(reader, rule->reject_name);
    }
    if (is_word(reader, "delay")) {
        effect->says |= DLF_SAYS_DELAY;
        return take_duration(reader, 1, &effect->delay_ms);
    }
    if (is_word(reader, "slow")) {
        effect->says |= DLF_SAYS_PACE;
        return take_pace(reader, &effect->bytes_per_second);
    }
    if (is_word(reader, "drip")) {
        effect->says |= DLF_SAYS_PACE;
        effect->bytes_per_second = DRIP_BYTES_PER_SECOND;
        return true;
    }
    if (is_word(reader, "trailing-bytes")) {
        effect->says |= DLF_SAYS_TRAILING;
        return true;
    }
    if (is_word(reader, "header")) {
        effect->says |= DLF_SAYS_HEADER;
        return take_text(reader, effect->header);
    }
    return read_verdict(reader, rule);
}

static bool read_rule(struct reader *reader, struct dlf_rule *rule)
{
    memset(rule, 0, sizeof *rule);
    rule->left_count = -1;
    rule->over_bytes = -1;
    rule->chance = 1;
    rule->effect.retry_after_ms = -1;
    if (reader->len >= sizeof rule->text) {
        return complain(reader, "the rule is too long", reader->text);
    }
    memcpy(rule->text, reader->text, reader->len);
    if (has_when(reader) && !read_when(reader, rule)) {
        return false;
    }
    while (next_word(reader)) {
        if (!read_action(reader, rule)) {
            return false;
        }
    }
    if (reader->len > 0) {
        return complain(reader, "a word is too long", reader->text);
    }
    return rule->effect.says != 0 ||
           complain(reader, "the rule does nothing", rule->text);
}

/* Length of the rule at the start of `text`, up to `;`, `#` or the newline
 * that ends it, none of which count inside quotes. */
static size_t measure_rule(const char *text, size_t len)
{
    bool is_quoted = false;
    size_t end = 0;

    while (end < len && text[end] != '\n') {
        if (text[end] == '"') {
            is_quoted = !is_quoted;
        }
        if (!is_quoted && (text[end] == ';' || text[end] == '#')) {
            break;
        }
        end++;
    }
    return end;
}

static bool read_rules(struct dlf_rules *rules, const char *text, size_t len,
                       char *problem)
{
    while (len > 0) {
        size_t end = measure_rule(text, len);
        struct reader reader = {.text = text, .len = end, .problem = problem};

        skip_spaces(&reader);
        while (reader.len > 0 &&
               isspace((unsigned char)reader.text[reader.len - 1])) {
            reader.len--;
        }
        if (reader.len > 0 && rules->count == DLF_MAX_RULES) {
            return complain(&reader, "more than 64 rules, from", text);
        }
        if (reader.len > 0 &&
            !read_rule(&reader, &rules->items[rules->count++])) {
            return false;
        }
        while (end < len && text[end] == '#') {
            while (end < len && text[end] != '\n') {
                end++;
            }
        }
        end += end < len ? 1 : 0;
        text += end;
        len -= end;
    }
    return true;
}

bool dlf_rules_add(struct dlf_rules *rules, const char *text, size_t len,
                   char problem[256])
{
    struct dlf_rules *draft = dlr_calloc(1, sizeof *draft);
    bool is_understood;

    if (draft == NULL) {
        (void)snprintf(problem, 256, "out of memory");
        return false;
    }
    *draft = *rules;
    is_understood = read_rules(draft, text, len, problem);
    if (is_understood) {
        *rules = *draft;
    }
    dlr_free(draft);
    return is_understood;
}
