/* SPDX-License-Identifier: ISC
 *
 * What a policy is once its text is understood: actions, rules, a default. Built by the parser, read by
 * everything else. */
#ifndef SP_POLICY_MODEL_H
#define SP_POLICY_MODEL_H

#include <sallyport/policy.h>

struct sp_policy {
    struct sp_action_info *actions;
    uint32_t action_count;
    struct sp_rule_info *rules;
    uint32_t rule_count;
    enum sp_action fallback; /* of "default" */
    void *strings;           /* storage behind the names and ranges; the parser's business */
};

#endif
