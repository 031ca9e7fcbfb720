/* SPDX-License-Identifier: MIT */
/*
 * Shop plan: see shop_plan.h.
 *
 * A visitor comes once to three times; each visit is a walk over pages, some
 * products go into the cart, and a full cart is sometimes bought, for which the
 * visitor has to sign up. Only the order of the calls below decides what the
 * generator's numbers are used for, so a change here changes every day.
 */
#include "shop_plan.h"

#include <stdio.h>
#include <stdlib.h>

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define CART_MAX 4

static const struct shop_campaign campaigns[] = {
    {NULL, NULL, NULL, NULL},
    {NULL, NULL, NULL, "https://www.google.com/"},
    {"google", "cpc", "autumn_sale", "https://www.google.com/"},
    {"newsletter", "email", "october_news", NULL},
    {"instagram", "social", "teapot_reel", "https://l.instagram.com/"},
};
/* Of a hundred visitors. */
static const uint32_t campaign_weights[] = {34, 18, 21, 15, 12};

static const struct shop_page pages[] = {
    {"/", "Home", 0},
    {"/tea", "Tea", 0},
    {"/pots", "Pots and cups", 0},
    {"/journal/how-to-brew", "How to brew", 0},
    {"/tea/assam", "Assam, 250 g", 1290},
    {"/tea/sencha", "Sencha, 100 g", 1650},
    {"/tea/earl-grey", "Earl Grey, 250 g", 1140},
    {"/pots/brown-betty", "Brown Betty teapot", 3490},
    {"/pots/gaiwan", "Gaiwan, 150 ml", 2250},
    {"/pots/thermo-cup", "Thermo cup", 1899},
};
#define PAGE_COUNT    (sizeof pages / sizeof pages[0])
#define PRODUCT_FIRST 4

/* How busy each hour is: the night is quiet, the evening full. */
static const uint32_t hour_weights[24] = {2,  1,  1,  1,  1,  2,  4, 6,
                                          8,  9,  10, 10, 11, 10, 9, 9,
                                          10, 11, 13, 15, 15, 12, 8, 4};

/* ------------------------------------------------------------- generator */

/* splitmix64: a few lines, and good enough for a story. */
static uint64_t next_number(uint64_t *state)
{
    uint64_t mixed = *state += 0x9E3779B97F4A7C15u;

    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return mixed ^ (mixed >> 31);
}

static uint32_t next_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(next_number(state) % limit);
}

static int64_t next_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(next_number(state) % (uint64_t)(high - low + 1));
}

static bool happens(uint64_t *state, uint32_t percent)
{
    return next_below(state, 100) < percent;
}

static size_t choose(uint64_t *state, const uint32_t *weights, size_t count)
{
    uint32_t sum = 0;
    uint32_t ticket;
    size_t chosen = 0;

    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
    }
    ticket = next_below(state, sum);
    while (ticket >= weights[chosen]) {
        ticket -= weights[chosen];
        chosen++;
    }
    return chosen;
}

/* ------------------------------------------------------------- one visit */

struct walk {
    struct shop_plan *plan;
    uint64_t *state;
    uint32_t visitor;
    uint32_t action_number;
    int64_t now_ms;
    int64_t end_ms; /* of the day */
    bool is_signed_in;
    const struct shop_page *page; /* seen last */
    const struct shop_page *cart[CART_MAX];
    size_t cart_count;
};

/* The action to fill in; NULL when the day is over or memory is. */
static struct shop_action *add_action(struct walk *walk, enum shop_kind kind)
{
    struct shop_plan *plan = walk->plan;
    struct shop_action *action;

    if (walk->now_ms >= walk->end_ms || plan->is_out_of_memory) {
        return NULL;
    }
    if (plan->action_count == plan->action_capacity) {
        size_t capacity = plan->action_capacity * 2 + 1024;
        void *more = realloc(plan->actions, capacity * sizeof *plan->actions);

        if (more == NULL) {
            plan->is_out_of_memory = true;
            return NULL;
        }
        plan->actions = more;
        plan->action_capacity = capacity;
    }
    action = &plan->actions[plan->action_count++];
    *action = (struct shop_action){
        .time_ms = walk->now_ms,
        .visitor = walk->visitor,
        .number = walk->action_number++,
        .kind = kind,
        .is_signed_in = walk->is_signed_in,
    };
    return action;
}

/* Any but the one that is on the screen. */
static const struct shop_page *choose_page(struct walk *walk)
{
    const struct shop_page *page;

    do {
        page = &pages[next_below(walk->state, PAGE_COUNT)];
    } while (page == walk->page);
    return page;
}

static void see_page(struct walk *walk, bool is_landing)
{
    const struct shop_page *page = choose_page(walk);
    struct shop_action *action = add_action(walk, SHOP_PAGE);

    if (action == NULL) {
        return;
    }
    walk->page = page;
    action->page = page;
    action->is_landing = is_landing;
    walk->now_ms += next_between(walk->state, 4 * SECOND_MS, 90 * SECOND_MS);
    if (page->price_cents > 0 && walk->cart_count < CART_MAX &&
        happens(walk->state, 14)) {
        action = add_action(walk, SHOP_CART);
        if (action != NULL) {
            action->page = page;
            walk->cart[walk->cart_count++] = page;
        }
        walk->now_ms += next_between(walk->state, SECOND_MS, 9 * SECOND_MS);
    }
}

static void sign_up(struct walk *walk)
{
    struct shop_plan *plan = walk->plan;

    if (walk->is_signed_in) {
        return;
    }
    walk->now_ms += next_between(walk->state, 20 * SECOND_MS, 2 * MINUTE_MS);
    if (add_action(walk, SHOP_SIGN_UP) != NULL) {
        plan->visitors[walk->visitor].customer = ++plan->customer_count;
        walk->is_signed_in = true;
    }
}

/* Every line of the order becomes an action of the same moment. */
static void buy(struct walk *walk)
{
    uint32_t order;

    sign_up(walk);
    walk->now_ms += next_between(walk->state, 10 * SECOND_MS, MINUTE_MS);
    if (add_action(walk, SHOP_CHECKOUT) == NULL) {
        return;
    }
    walk->now_ms += next_between(walk->state, 40 * SECOND_MS, 4 * MINUTE_MS);
    if (walk->now_ms >= walk->end_ms) {
        return;
    }
    order = 1000 + ++walk->plan->order_count;
    for (size_t i = 0; i < walk->cart_count; i++) {
        struct shop_action *line = add_action(walk, SHOP_ORDER);

        if (line != NULL) {
            line->page = walk->cart[i];
            line->order = order;
            line->quantity = (uint8_t)next_between(walk->state, 1, 3);
        }
    }
    walk->cart_count = 0;
}

static void visit(struct walk *walk)
{
    int64_t page_count = next_between(walk->state, 2, 11);

    for (int64_t i = 0; i < page_count; i++) {
        see_page(walk, i == 0);
    }
    if (walk->cart_count > 0 && happens(walk->state, 40)) {
        buy(walk);
    } else if (happens(walk->state, 4)) {
        sign_up(walk);
    }
}

/* -------------------------------------------------------------- one day */

/* What datalyr_new_anonymous_id() makes, but the same on every run. */
static void write_anonymous_id(uint64_t *state,
                               char id[DATALYR_ANONYMOUS_ID_SIZE])
{
    uint64_t high = next_number(state);
    uint64_t low = next_number(state);

    (void)snprintf(id, DATALYR_ANONYMOUS_ID_SIZE,
                   "anon_%08x-%04x-4%03x-%04x-%012llx", (unsigned)(high >> 32),
                   (unsigned)(high >> 16) & 0xFFFFu, (unsigned)high & 0xFFFu,
                   0x8000u | ((unsigned)(low >> 48) & 0x3FFFu),
                   (unsigned long long)low & 0xFFFFFFFFFFFFull);
}

static void live(struct walk *walk, int64_t day_ms)
{
    int64_t hour = (int64_t)choose(walk->state, hour_weights, 24);
    int64_t visit_count = next_between(walk->state, 1, 3);

    walk->now_ms =
        day_ms + hour * HOUR_MS + next_between(walk->state, 0, HOUR_MS - 1);
    walk->end_ms = day_ms + DAY_MS;
    for (int64_t i = 0; i < visit_count; i++) {
        visit(walk);
        walk->now_ms += next_between(walk->state, 40 * MINUTE_MS, 7 * HOUR_MS);
    }
}

static int compare_actions(const void *left, const void *right)
{
    const struct shop_action *a = left;
    const struct shop_action *b = right;

    if (a->time_ms != b->time_ms) {
        return a->time_ms < b->time_ms ? -1 : 1;
    }
    if (a->visitor != b->visitor) {
        return a->visitor < b->visitor ? -1 : 1;
    }
    return a->number < b->number ? -1 : 1;
}

bool shop_plan_make(struct shop_plan *plan, size_t visitor_count, uint64_t seed,
                    int64_t day_ms)
{
    uint64_t state = seed;

    *plan = (struct shop_plan){0};
    plan->visitors = calloc(visitor_count, sizeof *plan->visitors);
    if (plan->visitors == NULL) {
        return false;
    }
    plan->visitor_count = visitor_count;
    for (size_t i = 0; i < visitor_count; i++) {
        struct shop_visitor *visitor = &plan->visitors[i];
        struct walk walk = {
            .plan = plan, .state = &state, .visitor = (uint32_t)i};

        write_anonymous_id(&state, visitor->anonymous_id);
        visitor->campaign = &campaigns[choose(&state, campaign_weights,
                                              sizeof campaign_weights /
                                                  sizeof campaign_weights[0])];
        live(&walk, day_ms);
    }
    if (plan->action_count > 0) {
        qsort(plan->actions, plan->action_count, sizeof *plan->actions,
              compare_actions);
    }
    return !plan->is_out_of_memory;
}

void shop_plan_clear(struct shop_plan *plan)
{
    free(plan->visitors);
    free(plan->actions);
    *plan = (struct shop_plan){0};
}

/* ------------------------------------------------------------- a story */

struct story {
    bool begins_at_night;
    uint32_t visits;
    uint32_t visits_before_sign_up;
    uint32_t actions;
    uint32_t order_lines;
};

static void tell(struct story *story, const struct shop_action *action,
                 int64_t night_ms)
{
    if (story->actions == 0) {
        story->begins_at_night = action->time_ms < night_ms;
    }
    story->actions++;
    story->visits += action->is_landing;
    if (action->kind == SHOP_SIGN_UP) {
        story->visits_before_sign_up = story->visits;
    }
    story->order_lines += action->kind == SHOP_ORDER;
}

/* Long enough to be one, short enough for a screen. */
static bool is_worth_telling(const struct story *story,
                             const struct shop_visitor *visitor)
{
    return story->begins_at_night && story->visits_before_sign_up >= 2 &&
           story->order_lines >= 2 && story->actions <= 24 &&
           visitor->campaign->source != NULL;
}

uint32_t shop_plan_find_story(const struct shop_plan *plan, int64_t night_ms)
{
    struct story *stories = calloc(plan->visitor_count, sizeof *stories);
    uint32_t found = SHOP_NO_CUSTOMER;

    if (stories == NULL) {
        return SHOP_NO_CUSTOMER;
    }
    for (size_t i = 0; i < plan->action_count; i++) {
        tell(&stories[plan->actions[i].visitor], &plan->actions[i], night_ms);
    }
    for (size_t i = 0; i < plan->visitor_count && found == 0; i++) {
        if (is_worth_telling(&stories[i], &plan->visitors[i])) {
            found = plan->visitors[i].customer;
        }
    }
    free(stories);
    return found;
}
