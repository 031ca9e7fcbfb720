/* SPDX-License-Identifier: MIT */
/*
 * Wait: "tell me when three of these are there", for tests.
 */
#include "api/api.h"

#include "api/live.h"
#include "api/render.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/units.h"
#include "os/clock.h"

#define TIMEOUT_DEFAULT_MS 5000
#define TIMEOUT_MAX_MS     60000
#define COUNT_MAX          10000

static const char *take_param(struct dld_waiter *waiter,
                              const struct dld_param *param, int64_t now_ms,
                              uint64_t *timeout_ms)
{
    const char *fault = NULL;

    if (dlr_text_equals(param->name, DLR_TEXT("count"))) {
        return dlr_number_read_uint64(param->value.ptr, param->value.len,
                                      &waiter->wanted) &&
                       waiter->wanted >= 1 && waiter->wanted <= COUNT_MAX
                   ? NULL
                   : "count is a number from 1 to 10000";
    }
    if (dlr_text_equals(param->name, DLR_TEXT("timeout"))) {
        return dlr_parse_duration_ms(param->value, timeout_ms) &&
                       *timeout_ms <= TIMEOUT_MAX_MS
                   ? NULL
                   : "timeout is a duration up to 60s";
    }
    if (!dld_filter_take(&waiter->filter, param, now_ms, &fault)) {
        return "the parameter is not known";
    }
    return fault;
}

void dld_api_wait(struct dld_work *work)
{
    const struct dld_target *target = &work->request->target;
    struct dld_waiter *waiter = dlr_calloc(1, sizeof *waiter);
    uint64_t timeout_ms = TIMEOUT_DEFAULT_MS;

    if (waiter == NULL) {
        dld_reply_error(work->request, 503, "out of memory", NULL, NULL);
        return;
    }
    waiter->work = work;
    waiter->wanted = 1;
    dld_filter_init(&waiter->filter);
    for (size_t i = 0; i < target->param_count; i++) {
        const char *fault = take_param(waiter, &target->params[i],
                                       work->request->received_ms, &timeout_ms);

        if (fault != NULL) {
            dld_api_bad_param(work, target->params[i].name, fault);
            dlr_free(waiter);
            return;
        }
    }
    waiter->last_seq = waiter->filter.after;
    waiter->deadline_ms = dlr_clock_monotonic_ms() + (int64_t)timeout_ms;
    dlr_buf_init(&waiter->body, DLD_ANSWER_MAX);
    dld_request_defer(work->request);
    dld_live_wait(work->api->live, &waiter);
}
