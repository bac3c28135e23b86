/* SPDX-License-Identifier: ISC
 *
 * A running sallyportd, asked at its control socket (control.h): its status each time, its policy once a
 * generation.
 */
#include "sources.h"

#include "control.h"
#include "daemon.h"
#include "source_fill.h"
#include "tool.h"

#include <stdlib.h>

/* A monitor that hangs with the daemon would be no use. */
#define PATIENCE_SECONDS 2u
#define ADDRESSES_MAX 4096u

static size_t read_addresses(const json_t *list, struct sp_address *addresses)
{
    size_t count = 0, index;
    const json_t *entry;
    json_array_foreach(list, index, entry)
    {
        if (count < ADDRESSES_MAX && json_is_string(entry) &&
            sp_address_parse(json_string_value(entry), &addresses[count]) == SP_OK)
            count++;
    }
    return count;
}

static void read_policy(struct source *source, const json_t *status, uint64_t generation)
{
    char reason[256];
    struct rule_finder *finder = &source->finder;
    if (finder->generation == generation && finder->life == daemon_number(status, "pid"))
        return;
    json_t *answer = daemon_ask(source->path, CONTROL_POLICY_REQUEST, PATIENCE_SECONDS, reason);
    struct sp_address *addresses = tool_need(calloc(ADDRESSES_MAX, sizeof *addresses));
    const struct sp_me me = {.addresses = addresses,
                             .count =
                                 (uint32_t)read_addresses(json_object_get(status, "addresses"), addresses)};
    rule_finder_read(finder, daemon_text(answer, "policy"), &me);
    finder->generation = generation;
    finder->life = daemon_number(status, "pid");
    free(addresses);
    json_decref(answer);
}

void source_user(struct source *source, struct snapshot *snapshot, const struct snapshot *former)
{
    (void)former; /* the daemon itself knows what is gone */
    json_t *status = daemon_ask(source->path, CONTROL_STATUS_REQUEST, PATIENCE_SECONDS, snapshot->reason);
    if (!status)
        return;
    if (!json_is_true(json_object_get(status, "ok"))) {
        snapshot_set_down(snapshot, "sallyportd refuses: %s", daemon_text(status, "error"));
        json_decref(status);
        return;
    }
    read_policy(source, status, daemon_number(json_object_get(status, "policy"), "generation"));
    source_fill(snapshot, status, &source->finder);
}
