/* SPDX-License-Identifier: ISC
 *
 * The parser of sallyport.conf(5): what its statements share. parser.c reads files and statements,
 * parse_action.c and parse_rule.c one statement each, parse_endpoint.c what stands behind from and to. */
#ifndef SP_POLICY_PARSER_H
#define SP_POLICY_PARSER_H

#include "policy/model.h"
#include "policy/names.h"
#include "policy/reader.h"
#include "policy/storage.h"

struct sp_parser {
    struct sp_diagnosis diagnosis;
    struct sp_policy *policy;
    struct sp_storage *storage; /* the policy's */
    size_t action_capacity, rule_capacity, wording_capacity, set_capacity, set_place_capacity;
    struct sp_names set_names; /* name -> index of the set */
    struct sp_set_place {
        struct sp_place place;
        bool is_used;
    } * set_places;
    struct sp_names action_names; /* name -> index of the action */
    struct sp_names rule_names;   /* name -> index of the rule */
    struct sp_place *action_places;
    size_t action_place_capacity;

    /* `with "NAME"` waits until all actions are known */
    struct sp_reference {
        struct sp_place place;
        uint32_t rule;
        const char *name;
    } * references;
    size_t reference_count, reference_capacity;

    /* sets that were not there when they were named */
    struct sp_missing_set {
        struct sp_place place;
        const char *name;
    } * missing_sets;
    size_t missing_set_count, missing_set_capacity;
    const char *set_at_hand; /* name of the set that is being read, or NULL */

    /* what a list has gathered so far */
    struct sp_address_range *addresses;
    size_t address_count, address_capacity;
    struct sp_port_range *ports;
    size_t port_count, port_capacity;
    struct sp_term *terms;
    size_t term_count, term_capacity;
    size_t set_term_count; /* of terms, how many name sets */
    bool is_me_named;
    size_t expanded_count; /* what sets gave to all lists so far */

    bool has_order;
    struct sp_place order_place;
    bool has_default;
    struct sp_place default_place;

    struct sp_file *files; /* all that were read, newest first */
    size_t file_count, text_bytes;
    uint64_t order;
    bool is_out_of_memory;
};

/* Each reads its statement from the keyword on. False: the rest of the statement is to be skipped; what is
 * wrong was said. */
bool sp_parse_action(struct sp_parser *parser, struct sp_reader *reader, const char *file) SP_MUST_USE;
/* file: where the rule is written, as it will be shown. */
bool sp_parse_rule(struct sp_parser *parser, struct sp_reader *reader, const char *file) SP_MUST_USE;
/* ENDPOINT [port PORTS]; side is "from" or "to". */
bool sp_parse_endpoint(struct sp_parser *parser, struct sp_reader *reader, const char *side,
                       struct sp_endpoint *ret_endpoint, struct sp_written *ret_addresses,
                       struct sp_written *ret_ports) SP_MUST_USE;
/* [type TYPES [code CODES]], behind the protocol. */
bool sp_parse_icmp(struct sp_parser *parser, struct sp_reader *reader, uint16_t protocol,
                   struct sp_icmp *ret_icmp) SP_MUST_USE;
bool sp_parse_set(struct sp_parser *parser, struct sp_reader *reader, const char *file) SP_MUST_USE;

/* One element each, gathered in the parser. A value that makes no sense was said to be so; false: the
 * sentence is broken. */
typedef bool sp_parse_element(struct sp_parser *parser, struct sp_reader *reader,
                              struct sp_endpoint *endpoint) SP_MUST_USE;
bool sp_parse_addresses(struct sp_parser *parser, struct sp_reader *reader,
                        struct sp_endpoint *endpoint) SP_MUST_USE;
/* Adds to the gathered ports. */
bool sp_add_ports(struct sp_parser *parser, struct sp_port_range range) SP_MUST_USE;
/* A number to max or two with a dash between; what is wrong, or NULL. */
const char *sp_place_range(const struct sp_place *place, uint64_t max, struct sp_port_range *ret_range);
bool sp_parse_ports(struct sp_parser *parser, struct sp_reader *reader,
                    struct sp_endpoint *endpoint) SP_MUST_USE;
/* The reader stands at a string, the name of a set. */
bool sp_parse_set_name(struct sp_parser *parser, struct sp_reader *reader, bool is_of_ports,
                       struct sp_endpoint *endpoint) SP_MUST_USE;

/* { ELEMENT, ELEMENT } or one ELEMENT, in an emptied gathering. */
bool sp_parse_list(struct sp_parser *parser, struct sp_reader *reader, sp_parse_element *parse,
                   struct sp_endpoint *endpoint) SP_MUST_USE;
/* Moves what a list has gathered to the policy. */
bool sp_keep_addresses(struct sp_parser *parser, struct sp_endpoint *endpoint,
                       struct sp_written *ret_written) SP_MUST_USE;
bool sp_keep_ports(struct sp_parser *parser, struct sp_endpoint *endpoint,
                   struct sp_written *ret_written) SP_MUST_USE;

/* After all is read: sets that were never defined, or too late; those that nothing names. */
void sp_check_sets(struct sp_parser *parser);

/* Remembers that memory is out, so that everything winds down. Always false. */
bool sp_parser_no_memory(struct sp_parser *parser);

#endif
