/* SPDX-License-Identifier: ISC
 *
 * The policy is asked for its protect areas once; an SA is then held against them one by one. With very large
 * policies and very many SAs that is too much for every second, so there is an end to it.
 */
#include "rule_finder.h"

#include "tool.h"

#include <stdlib.h>
#include <string.h>

struct protect_area {
    struct sp_area area;
    uint32_t rule;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
};

static void take_area(const struct sp_area *area, uint32_t rule, void *context)
{
    struct rule_finder *finder = context;
    struct sp_rule_info info;
    struct sp_action_info action;
    if (rule == SP_NO_RULE || sp_policy_rule(finder->policy, rule, &info) != SP_OK ||
        info.action != SP_ACTION_PROTECT ||
        sp_policy_action(finder->policy, info.action_index, &action) != SP_OK)
        return;
    if (finder->area_count == finder->area_room) {
        finder->area_room = finder->area_room ? finder->area_room * 2 : 64;
        finder->areas = tool_need(reallocarray(finder->areas, finder->area_room, sizeof *finder->areas));
    }
    finder->areas[finder->area_count++] = (struct protect_area){
        .area = *area, .rule = rule, .encryption = action.encryption, .integrity = action.integrity};
}

void rule_finder_close(struct rule_finder *finder)
{
    sp_policy_destroy(&finder->policy);
    free(finder->areas);
    *finder = (struct rule_finder){0};
}

void rule_finder_read(struct rule_finder *finder, const char *text, const struct sp_me *me)
{
    struct sp_report *report = NULL;
    rule_finder_close(finder);
    if (sp_report_create(&report) != SP_OK)
        return;
    if (sp_policy_parse(text, strlen(text), "policy", &finder->policy, report) == SP_OK)
        for (int direction = SP_OUTBOUND; direction <= SP_INBOUND; direction++)
            (void)!sp_policy_visit_areas(finder->policy, (enum sp_direction)direction, me, take_area, finder);
    sp_report_destroy(&report);
}

static bool holds(const struct sp_address_range *range, const struct sp_address *address)
{
    return range->first.family == address->family &&
           memcmp(range->first.bytes, address->bytes, sizeof address->bytes) <= 0 &&
           memcmp(range->last.bytes, address->bytes, sizeof address->bytes) >= 0;
}

bool rule_finder_find(struct rule_finder *finder, const struct sp_address *source,
                      const struct sp_address *destination, const char *encryption, const char *integrity,
                      struct found_rule *ret_found)
{
    for (size_t i = 0; i < finder->area_count && finder->budget > 0; i++, finder->budget--) {
        const struct protect_area *area = &finder->areas[i];
        if (!holds(&area->area.source, source) || !holds(&area->area.destination, destination) ||
            strcmp(sp_encryption_name(area->encryption), encryption) != 0 ||
            strcmp(sp_integrity_name(area->integrity), integrity) != 0)
            continue;
        *ret_found = (struct found_rule){.rule = area->rule, .area = area->area};
        return true;
    }
    return false;
}
