/* SPDX-License-Identifier: ISC
 *
 * What the exports share: findings about rules, text, addresses as prefixes.
 *
 * An export says the whole policy or nothing: what its format can't say is an error with the rule's line.
 * What it says more strictly is a warning.
 */
#ifndef SP_POLICY_EXPORT_H
#define SP_POLICY_EXPORT_H

#include "policy/model.h"
#include "policy/names.h"
#include "policy/storage.h"

#include <sallyport/convert.h>

#define SP_EXPORT_NAME_BYTES 128
#define SP_EXPORT_LINES_A_RULE 4096u
#define SP_EXPORT_LINES 1000000u

struct sp_export {
    const struct sp_policy *policy;
    const struct sp_me *me;
    struct sp_report *report;
    struct sp_storage *storage; /* of names */
    FILE *out;
    char *text;
    size_t text_bytes;
    size_t errors;
    bool is_out_of_memory;
};

/* False when memory is out. */
bool sp_export_start(struct sp_export *export) SP_MUST_USE;
/* *ret_text is the caller's when there was no error. */
enum sp_status sp_export_finish(struct sp_export *export, char **ret_text) SP_MUST_USE;
/* One sentence about a rule, or with SP_NO_RULE about the policy. */
void sp_export_tell(struct sp_export *export, enum sp_severity severity, uint32_t rule, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));
#define sp_export_error(export, rule, ...) sp_export_tell(export, SP_SEVERITY_ERROR, rule, __VA_ARGS__)
/* False, and remembered. */
bool sp_export_no_memory(struct sp_export *export);
/* Whether "me" can be written out where a rule says it; an error for each rule that does when not. */
bool sp_export_knows_me(struct sp_export *export);
/* Whether two ends are written alike. */
bool sp_export_same_ends(const struct sp_endpoint *left, const struct sp_endpoint *right);

/* The prefixes that a range of addresses falls into, the lowest first. */
struct sp_prefixes {
    struct sp_address next, last;
    bool is_over;
};
struct sp_prefixes sp_prefixes_of(const struct sp_address_range *range);
/* False when there are no more. */
bool sp_prefixes_next(struct sp_prefixes *prefixes, struct sp_address *ret_address, unsigned *ret_bits);
/* How many there are. */
size_t sp_prefixes_count(const struct sp_address_range *range);

#endif
