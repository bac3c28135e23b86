/* SPDX-License-Identifier: ISC
 *
 * Sallyport: a host's IPsec policy (RFC 4301's SPD) from its text, sallyport.conf(5).
 *
 * A policy is immutable once loaded, so any number of threads may read it.
 */
#ifndef SALLYPORT_POLICY_H
#define SALLYPORT_POLICY_H

#include <sallyport/packet.h>
#include <sallyport/sa.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_policy;

/* Reads path ("-": standard input) and what it includes. On SP_OK *ret_policy is the caller's to destroy. On
 * SP_ERR_PARSE the report holds all errors of the text; on SP_ERR_IO why a file can't be read; SP_ERR_MEMORY.
 * Warnings may be in the report also on SP_OK. */
SP_API enum sp_status sp_policy_load(const char *path, struct sp_policy **ret_policy,
                                     struct sp_report *report) SP_MUST_USE;
/* The same from memory; name stands for the file in messages. include is relative to the working directory.
 */
SP_API enum sp_status sp_policy_parse(const char *text, size_t len_bytes, const char *name,
                                      struct sp_policy **ret_policy, struct sp_report *report) SP_MUST_USE;
/* The same of a text of somebody who may not have files read: include is an error. */
SP_API enum sp_status sp_policy_parse_alone(const char *text, size_t len_bytes, const char *name,
                                            struct sp_policy **ret_policy,
                                            struct sp_report *report) SP_MUST_USE;
/* Frees and nulls; *policy may be NULL. No call may be using it. */
SP_API void sp_policy_destroy(struct sp_policy **policy);
/* Says where a rule was written: of a policy that came as its canonical text, which doesn't know, and before
 * anybody else reads it. file is copied. SP_ERR_NOT_FOUND, SP_ERR_MEMORY. */
SP_API enum sp_status sp_policy_set_place(struct sp_policy *policy, uint32_t index, const char *file,
                                          uint32_t line) SP_MUST_USE;

/* The canonical text: includes resolved, one statement a line. Parsing it gives the same policy and the same
 * text. */
SP_API void sp_policy_print(const struct sp_policy *policy, FILE *out);

enum sp_action { SP_ACTION_PROTECT, SP_ACTION_BYPASS, SP_ACTION_BLOCK };
/* "protect", "bypass", "block". */
SP_API const char *sp_action_name(enum sp_action action);

/* A named action: the parameters of protect. */
struct sp_action_info {
    const char *name; /* valid as long as the policy */
    const char *file; /* where it is written */
    uint32_t line;
    enum sp_mode mode;
    enum sp_encryption encryption;
    enum sp_integrity integrity;
    struct sp_lifetime lifetime;
    bool is_encapsulated; /* by SAs whose ESP is in UDP (RFC 3948), else by the others */
    bool has_esn;         /* its SAs have extended sequence numbers, and no others are used */
    /* Tunnel mode: the ends of the tunnel, this host's and the peer's, whichever way a packet goes. Family 0
     * in transport mode. */
    struct sp_address tunnel_from, tunnel_to;
};
/* Are these the ends of the action's tunnel, either way round? True of an action in transport mode. */
SP_API bool sp_action_is_between(const struct sp_action_info *action, const struct sp_address *source,
                                 const struct sp_address *destination);
SP_API uint32_t sp_policy_action_count(const struct sp_policy *policy);
/* Action index < count, valid as long as the policy. SP_ERR_NOT_FOUND. */
SP_API enum sp_status sp_policy_action(const struct sp_policy *policy, uint32_t index,
                                       struct sp_action_info *ret_action) SP_MUST_USE;

/* Inclusive ranges. */
struct sp_address_range {
    struct sp_address first, last; /* same family */
};
struct sp_port_range {
    uint16_t first, last;
};

/* One end of a selector. A zero count means any (address_count counts only when !is_me). */
struct sp_endpoint {
    bool is_me; /* the addresses of this host, besides those listed */
    const struct sp_address_range *addresses;
    uint32_t address_count;
    const struct sp_port_range *ports;
    uint32_t port_count;
};

/* A named set, of addresses or of ports. What it holds is in the endpoint, other sets in it expanded; the
 * other half of the endpoint is empty. Rules name sets in their text only: their endpoints are expanded too.
 */
struct sp_set_info {
    const char *name; /* valid as long as the policy */
    const char *file; /* where it is written */
    uint32_t line;
    bool is_of_ports;
    struct sp_endpoint holds;
};
SP_API uint32_t sp_policy_set_count(const struct sp_policy *policy);
/* Set index < count, valid as long as the policy. SP_ERR_NOT_FOUND. */
SP_API enum sp_status sp_policy_set(const struct sp_policy *policy, uint32_t index,
                                    struct sp_set_info *ret_set) SP_MUST_USE;

#define SP_PROTOCOL_ANY 0xffffu

/* ICMP types and codes, 0..255 each, in the shape of ports: RFC 4301 4.4.1.1 puts them into one selector
 * field. A zero count means any. A mirrored rule has the same ones: a reply's type is not its request's. */
struct sp_icmp {
    const struct sp_port_range *types, *codes;
    uint32_t type_count, code_count;
};

struct sp_rule_info {
    const char *name; /* from "as"; NULL: none */
    const char *file; /* where it is written */
    uint32_t line;
    enum sp_action action;
    uint32_t action_index;       /* of the named action; SP_NO_RULE unless protect */
    enum sp_direction direction; /* as written; a protect rule also holds, mirrored, the other way */
    uint16_t protocol;           /* IP protocol number or SP_PROTOCOL_ANY */
    struct sp_icmp icmp;         /* any, unless protocol is ICMP or ICMPv6 */
    struct sp_endpoint from, to; /* as written */
};
SP_API uint32_t sp_policy_rule_count(const struct sp_policy *policy);
/* Rule index < count, valid as long as the policy. SP_ERR_NOT_FOUND. */
SP_API enum sp_status sp_policy_rule(const struct sp_policy *policy, uint32_t index,
                                     struct sp_rule_info *ret_rule) SP_MUST_USE;
/* Rules are numbered as they are listed. In which order they are tried is another question. */
enum sp_order { SP_ORDER_LISTED, SP_ORDER_SPECIFIC };
SP_API enum sp_order sp_policy_order(const struct sp_policy *policy);
/* The index of the rule that is tried at place 0, 1, ...; SP_NO_RULE behind the last. */
SP_API uint32_t sp_policy_rule_at(const struct sp_policy *policy, uint32_t place);
/* The canonical text with the rules in the order in which they are tried, each with its place in a comment: a
 * policy that means the same when it is tried as it is listed. */
SP_API void sp_policy_print_compiled(const struct sp_policy *policy, FILE *out);

/* What holds when no rule matches: SP_ACTION_BYPASS or SP_ACTION_BLOCK. */
SP_API enum sp_action sp_policy_default(const struct sp_policy *policy);
/* The rule's one-line canonical text, cut to size_bytes, NUL-terminated; returns text. index < count and
 * size_bytes > 0: misuse otherwise. */
SP_API const char *sp_policy_rule_text(const struct sp_policy *policy, uint32_t index, char *text,
                                       size_t size_bytes);

/* Which addresses "me" stands for. unknown: every address on the local side is taken as mine (for captures
 * and questions about other hosts). */
struct sp_me {
    bool unknown;
    const struct sp_address *addresses;
    uint32_t count;
};

/* A rectangle of packets: all those within every range. Both address ranges are of one family. */
struct sp_area {
    enum sp_direction
        direction; /* as the policy's host sees it; compare: as the sender's or first end does */
    struct sp_address_range source, destination;
    uint8_t protocol_first, protocol_last;
    struct sp_port_range source_ports, destination_ports; /* of ICMP alone: the type, the code */
};

/* What a rule says about the packets of one direction, as areas: a protect rule also mirrored. Visits the
 * areas in the order in which the rules are tried, the first that holds a packet decides it, and the default
 * what is in none. Where direction's local side is "me", the area has one of me's addresses. protocol_first
 * and protocol_last are equal, or all protocols. SP_ERR_MEMORY; SP_ERR_LIMIT when there would be over
 * 1,000,000. */
typedef void sp_area_visitor(const struct sp_area *area, uint32_t rule, void *context);
SP_API enum sp_status sp_policy_visit_areas(const struct sp_policy *policy, enum sp_direction direction,
                                            const struct sp_me *me, sp_area_visitor *visit,
                                            void *context) SP_MUST_USE;

/* What a policy is asked about: one packet. Ports are host order, 0 for protocols without ports. */
struct sp_flow {
    enum sp_direction direction;
    uint8_t protocol;
    struct sp_address source, destination;
    uint16_t source_port, destination_port;
    /* Of ICMP and ICMPv6. Without it the type isn't known, as in a fragment: a protect or block rule about
     * types matches then, a bypass rule about them doesn't. */
    bool has_icmp_type;
    uint8_t icmp_type, icmp_code;
};

struct sp_match {
    uint32_t rule;    /* index, or SP_NO_RULE: the default */
    bool is_mirrored; /* matched through the mirror of a protect rule */
    enum sp_action action;
};
/* Every rule that matches the flow, in the order in which they are tried: matches[0] decides, the others
 * would have had their turn later; the default comes last. Returns how many there are; writes at most max
 * (max >= 1). */
SP_API size_t sp_policy_explain(const struct sp_policy *policy, const struct sp_me *me,
                                const struct sp_flow *flow, struct sp_match *matches, size_t max);

#ifdef __cplusplus
}
#endif
#endif
