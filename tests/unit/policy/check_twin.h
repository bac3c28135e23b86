/* SPDX-License-Identifier: ISC
 *
 * The check's naive twin: it divides each box among all others, as slowly as that is.
 */
#ifndef UNIT_POLICY_CHECK_TWIN_H
#define UNIT_POLICY_CHECK_TWIN_H

#include <sallyport/analysis.h>

struct twin_finding {
    uint32_t rule, other_rule;
    enum sp_check_kind kind;
    bool is_note;
};

#define TWIN_FINDINGS_MAX 4096

/* What sp_policy_check() must find, but for what it says about actions; in order of rule, kind, other rule,
 * notes first. Returns how many. */
size_t twin_check(const struct sp_policy *policy, const struct sp_me *me, struct twin_finding *findings);

/* Into that order. */
void twin_sort(struct twin_finding *findings, size_t count);

#endif
