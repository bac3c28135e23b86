/* SPDX-License-Identifier: ISC
 *
 * What explain is asked, and the parts of its answers that one packet and a capture share.
 */
#ifndef IPSECCTL_EXPLAIN_H
#define IPSECCTL_EXPLAIN_H

#include "arguments.h"

#include <jansson.h>

struct question {
    const char *path;
    const char *capture; /* NULL: about flow alone */
    bool as_json;
    struct me_option me;
    struct sp_flow flow; /* of a capture: only its direction */
};

json_t *explain_flow_json(const struct sp_flow *flow);
json_t *explain_match_json(const struct sp_policy *policy, const struct question *question,
                           const struct sp_match *match);
/* "front-end.policy:8", or that it is the default. The caller frees it. */
char *explain_place(const struct sp_policy *policy, const struct sp_match *match);
/* The rule's text, to text; returns text. */
const char *explain_text(const struct sp_policy *policy, const struct sp_match *match, char *text,
                         size_t size_bytes);

/* Which rule decides about each flow of question->capture. An exit code; complaints printed. */
int explain_capture(const struct sp_policy *policy, const struct question *question);

#endif
