/* SPDX-License-Identifier: ISC
 *
 * Sallyport: what a policy means, proven over all packets: findings about one policy, whether two ends agree,
 * how two policies differ.
 *
 * Nothing here samples. A policy is a set of boxes over source, destination, protocol and both ports, in each
 * direction and family; every answer is computed with exact set operations on them. Fragments, whose ports
 * are not known, are outside of it (sallyport.conf(5), Fragments).
 *
 * All calls only read the policies, so any number of threads may analyse one. A result belongs to its caller
 * and doesn't refer to the policies, except by the indices of their rules and the names of their files.
 */
#ifndef SALLYPORT_ANALYSIS_H
#define SALLYPORT_ANALYSIS_H

#include <sallyport/policy.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_FLOW_TEXT_BYTES 160
#define SP_AREA_TEXT_BYTES 320
/* "out tcp 192.0.2.1:1024 -> 192.0.2.2:80"; returns text, of SP_FLOW_TEXT_BYTES. */
SP_API const char *sp_flow_format(const struct sp_flow *flow, char *text);
/* "out tcp 192.0.2.0-192.0.2.255 -> any port 80"; returns text, of SP_AREA_TEXT_BYTES. */
SP_API const char *sp_area_format(const struct sp_area *area, char *text);

/* What a policy is asked about an IP packet of len_bytes (which may be longer, link padding). SP_DROP_NONE;
 * SP_DROP_MALFORMED; SP_DROP_FRAGMENT: it is one, whose ports nobody knows, and ret_flow is untouched. */
SP_API enum sp_drop sp_flow_read(const uint8_t *packet, size_t len_bytes, enum sp_direction direction,
                                 struct sp_flow *ret_flow) SP_MUST_USE;

enum sp_check_kind {
    SP_CHECK_SHADOWED,    /* one earlier rule takes all packets of the rule */
    SP_CHECK_UNREACHABLE, /* several earlier rules together do */
    SP_CHECK_OVERLAP,     /* an earlier rule takes some of its packets, and neither lies within the other */
    SP_CHECK_MIRROR,      /* what a protect rule protects one way is treated otherwise the other way */
    SP_CHECK_HOLE,        /* packets of the service that a protect rule protects go in clear */
    SP_CHECK_LIFETIME,    /* an action's keys live longer than those of the preset w2k */
    SP_CHECK_UNUSED,      /* no rule uses the action */
};
/* "shadowed", "unreachable", ...; "?" outside the list. Static storage. */
SP_API const char *sp_check_name(enum sp_check_kind kind);

struct sp_check_finding {
    enum sp_check_kind kind;
    bool is_note;        /* true and maybe meant; else a warning */
    uint32_t rule;       /* the rule it is about; SP_NO_RULE: about an action that no rule uses */
    uint32_t other_rule; /* the rule that it is at odds with, or SP_NO_RULE: none, or the default */
    const char *file;    /* where that rule or action is written; valid as long as the policy */
    uint32_t line;
    char text[512];   /* one sentence */
    bool has_example; /* area and example hold */
    struct sp_area area;
    struct sp_flow example; /* a packet of area */
};

struct sp_check;

/* Looks for everything that ipsecctl(8) defines under check. On SP_OK *ret_check is the caller's to destroy;
 * it may well be empty. SP_ERR_MEMORY; SP_ERR_LIMIT when there are over 200,000 findings, or one of them
 * takes over 1,000,000 pieces to decide. */
SP_API enum sp_status sp_policy_check(const struct sp_policy *policy, const struct sp_me *me,
                                      struct sp_check **ret_check) SP_MUST_USE;
SP_API void sp_check_destroy(struct sp_check **check);
/* In the order of the rules they are about. */
SP_API size_t sp_check_count(const struct sp_check *check);
/* index < count; misuse otherwise. Valid as long as check. */
SP_API const struct sp_check_finding *sp_check_get(const struct sp_check *check, size_t index);

enum sp_difference_kind {
    SP_DIFFERENCE_NOT_REQUIRED, /* sent protected, but the receiver's policy lets it pass in clear */
    SP_DIFFERENCE_PARAMETERS,   /* protected on both sides, not in the same way */
    SP_DIFFERENCE_REFUSED,      /* one end protects it, the other blocks it */
    SP_DIFFERENCE_CLEAR,        /* sent in clear, but the receiver requires protection */
    SP_DIFFERENCE_DENIED,       /* note: one end blocks what the other would let pass in clear */
    SP_DIFFERENCE_CLIENT_PORT,  /* note: as REFUSED, with a client's port below 1024 */
    SP_DIFFERENCE_LIFETIME,     /* note of compare: same protection, keys that live differently long */
    SP_DIFFERENCE_MEANING,      /* of diff: the two policies treat it differently */
};
/* "not-required", "parameters", ...; "?" outside the list. Static storage. */
SP_API const char *sp_difference_name(enum sp_difference_kind kind);
/* A sentence about the kind, for people. Static storage. */
SP_API const char *sp_difference_text(enum sp_difference_kind kind);

struct sp_difference {
    enum sp_difference_kind kind;
    bool is_note;
    struct sp_area area;
    struct sp_flow example; /* a packet of area */
    /* how the first and the second policy decide all of area; rule may be SP_NO_RULE */
    struct sp_match first, second;
};

struct sp_differences;

/* Do the two ends of a conversation agree? Decides about every packet between the two addresses: sent by
 * first_address and received by second_address, and the other way round. Directions in the result are those
 * of the first end. SP_ERR_INVALID: the addresses are equal or of different families. SP_ERR_MEMORY,
 * SP_ERR_LIMIT as for sp_policy_check(). */
SP_API enum sp_status sp_policy_compare(const struct sp_policy *first, const struct sp_policy *second,
                                        const struct sp_address *first_address,
                                        const struct sp_address *second_address,
                                        struct sp_differences **ret_differences) SP_MUST_USE;
/* Which packets do two policies of one host treat differently? Action, algorithms, mode and lifetime count;
 * names and the text don't. SP_ERR_MEMORY, SP_ERR_LIMIT as for sp_policy_check(). */
SP_API enum sp_status sp_policy_diff(const struct sp_policy *first, const struct sp_policy *second,
                                     const struct sp_me *me,
                                     struct sp_differences **ret_differences) SP_MUST_USE;
SP_API void sp_differences_destroy(struct sp_differences **differences);
/* The areas are disjoint. */
SP_API size_t sp_differences_count(const struct sp_differences *differences);
/* How many are no notes; 0: the two agree. */
SP_API size_t sp_differences_disagreements(const struct sp_differences *differences);
/* index < count; misuse otherwise. Valid as long as differences. */
SP_API const struct sp_difference *sp_differences_get(const struct sp_differences *differences, size_t index);

#ifdef __cplusplus
}
#endif
#endif
