/* SPDX-License-Identifier: ISC
 *
 * Words on the command line that mean addresses, ports and protocols.
 */
#ifndef TOOLS_ARGUMENTS_H
#define TOOLS_ARGUMENTS_H

#include <sallyport/policy.h>

#include <stdbool.h>

/* "out" or "in". */
bool argument_direction(const char *word, enum sp_direction *ret_direction);
/* "tcp", "udp", "icmp", "icmp6", ... or 0..255. */
bool argument_protocol(const char *word, uint8_t *ret_protocol);
/* The same, and "icmp:TYPE/CODE" or "icmp:TYPE" (code 0), icmp6 likewise, into the flow. */
bool argument_flow_protocol(const char *word, struct sp_flow *flow);
/* Its name, or NULL. */
const char *protocol_name(uint16_t protocol);
/* Do its packets have ports? */
bool protocol_has_ports(uint8_t protocol);
/* "192.0.2.1:80", "[2001:db8::1]:80" with ports; only the address (brackets allowed) without. */
bool argument_endpoint(const char *word, bool with_port, struct sp_address *ret_address, uint16_t *ret_port);
/* A decimal number up to max. */
bool argument_number(const char *word, uint64_t max, uint64_t *ret_number);
/* A span of seconds such as "0.5", from 0.1 to a day, in milliseconds. */
bool argument_seconds(const char *word, uint32_t *ret_ms);

/* The addresses of repeated --me options. */
#define ME_ADDRESSES_MAX 64
struct me_option {
    struct sp_address addresses[ME_ADDRESSES_MAX];
    struct sp_me me;
};
/* Without any --me, "me" is unknown. */
void me_start(struct me_option *option);
bool me_add(struct me_option *option, const char *word);

#endif
