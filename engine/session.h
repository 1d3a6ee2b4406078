/* SPDX-License-Identifier: Apache-2.0
 *
 * The inside of a session, for the tools that show plans and times.
 */
#ifndef LN_ENGINE_SESSION_H
#define LN_ENGINE_SESSION_H

#include "engine/model.h"
#include "engine/plan.h"
#include "engine/threads.h"

typedef struct ln_session_plan {
    ln_plan *plan;
    ln_run *run;
    uint64_t used; /* clock of the last use */
} ln_session_plan;

struct linnet_session {
    const linnet_model *model;
    ln_memory *memory;
    ln_arena arena;
    ln_pool *pool;
    ln_plan_options plan_options;
    ln_session_plan *plans;
    int32_t max_plans;
    uint64_t clock;
    linnet_value *inputs; /* as set; kind NONE and not `set`: nothing */
    bool *set;
    ln_session_plan *current; /* of the last run, NULL: none */
    bool profile;
    uint64_t max_steps, steps_left;
};

/* Makes (or finds) the plan for the inputs as set; their data is not read. */
linnet_status ln_session_prepare(linnet_session *s, linnet_error *error);

#endif
