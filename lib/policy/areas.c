/* SPDX-License-Identifier: ISC
 *
 * A policy's boxes for those outside who give them to another classifier than ours: a kernel's, a NIC's.
 */
#include "policy/box.h"
#include "policy/compile.h"
#include "core/misuse.h"

#include <stdlib.h>

enum sp_status sp_policy_visit_areas(const struct sp_policy *policy, enum sp_direction direction,
                                     const struct sp_me *me, sp_area_visitor *visit, void *context)
{
    struct sp_selector_box *boxes;
    uint32_t count;

    SP_REQUIRE(policy != NULL && me != NULL && visit != NULL);
    enum sp_status status = sp_policy_boxes(policy, direction, me, &boxes, &count);
    if (status != SP_OK)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        struct sp_box both[2];
        const uint32_t families = sp_box_from_selector(&boxes[i], both);
        for (uint32_t family = 0; family < families; family++) {
            const struct sp_area area = sp_box_area(&both[family], direction);
            if (sp_box_is_sent(&both[family]))
                visit(&area, boxes[i].rule, context);
        }
    }
    free(boxes);
    return SP_OK;
}
