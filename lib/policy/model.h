/* SPDX-License-Identifier: ISC
 *
 * What a policy is once its text is understood: actions, rules, a default. Built by the parser, read by
 * everything else. */
#ifndef SP_POLICY_MODEL_H
#define SP_POLICY_MODEL_H

#include <sallyport/policy.h>

/* An element of a list as it was written: a set, or (SP_TERM_RANGE) a range. */
#define SP_TERM_RANGE UINT32_MAX
struct sp_term {
    uint32_t set;
    union {
        struct sp_address_range addresses;
        struct sp_port_range ports;
    };
};

/* A list as it was written, kept only when it names sets: its expansion, in an endpoint, says the rest. */
struct sp_written {
    const struct sp_term *terms;
    uint32_t count;   /* 0: names no set */
    bool is_me_named; /* not only through a set */
};

/* The lists of a rule that names sets. */
struct sp_wording {
    struct sp_written from, from_ports, to, to_ports;
};

struct sp_set {
    struct sp_set_info info;
    struct sp_written written;
};

struct sp_policy {
    struct sp_set *sets; /* each names only those before it */
    uint32_t set_count;
    struct sp_action_info *actions;
    uint32_t action_count;
    struct sp_rule_info *rules;
    const struct sp_wording **wordings; /* of each rule; NULL: it names no set */
    uint32_t rule_count;
    enum sp_order order;
    uint32_t *ordered;       /* indices of the rules as they are tried */
    enum sp_action fallback; /* of "default" */
    void *strings;           /* storage behind the names and ranges; the parser's business */
};

#endif
