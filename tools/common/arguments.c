/* SPDX-License-Identifier: ISC
 *
 * Reading words of the command line: strict, whole words only, because a port that is silently cut asks
 * about another packet than the one the person had in mind.
 */
#include "arguments.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX 86400.0

/* Names as in the policy language. */
static const struct {
    const char *name;
    uint8_t protocol;
    bool has_ports;
} protocols[] = {
    {"tcp", IPPROTO_TCP, true},       {"udp", IPPROTO_UDP, true},         {"icmp", IPPROTO_ICMP, false},
    {"icmp6", IPPROTO_ICMPV6, false}, {"icmpv6", IPPROTO_ICMPV6, false},  {"sctp", IPPROTO_SCTP, true},
    {"dccp", IPPROTO_DCCP, true},     {"udplite", IPPROTO_UDPLITE, true}, {"esp", IPPROTO_ESP, false},
    {"ah", IPPROTO_AH, false},
};
#define PROTOCOLS (sizeof protocols / sizeof *protocols)

bool argument_direction(const char *word, enum sp_direction *ret_direction)
{
    const bool is_out = strcmp(word, "out") == 0;
    if (!is_out && strcmp(word, "in") != 0)
        return false;
    *ret_direction = is_out ? SP_OUTBOUND : SP_INBOUND;
    return true;
}

bool argument_number(const char *word, uint64_t max, uint64_t *ret_number)
{
    if (*word < '0' || *word > '9')
        return false;
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(word, &end, 10);
    if (errno || *end || number > max)
        return false;
    *ret_number = number;
    return true;
}

bool argument_seconds(const char *word, uint32_t *ret_ms)
{
    char *end;
    const double seconds = strtod(word, &end);
    if (end == word || *end || !(seconds >= 0.1) || seconds > SECONDS_MAX)
        return false;
    *ret_ms = (uint32_t)(seconds * 1000.0);
    return true;
}

bool argument_protocol(const char *word, uint8_t *ret_protocol)
{
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (strcmp(word, protocols[i].name) == 0) {
            *ret_protocol = protocols[i].protocol;
            return true;
        }
    }
    uint64_t number;
    if (!argument_number(word, UINT8_MAX, &number))
        return false;
    *ret_protocol = (uint8_t)number;
    return true;
}

static bool read_icmp_type(char *word, struct sp_flow *flow)
{
    uint64_t type, code = 0;
    char *slash = strchr(word, '/');
    if (slash)
        *slash = '\0';
    if (!argument_number(word, UINT8_MAX, &type) || (slash && !argument_number(slash + 1, UINT8_MAX, &code)))
        return false;
    flow->has_icmp_type = true;
    flow->icmp_type = (uint8_t)type;
    flow->icmp_code = (uint8_t)code;
    return true;
}

bool argument_flow_protocol(const char *word, struct sp_flow *flow)
{
    char copy[32];
    if (strlen(word) >= sizeof copy)
        return false;
    strcpy(copy, word);
    char *colon = strchr(copy, ':');
    if (colon)
        *colon = '\0';
    flow->has_icmp_type = false;
    if (!argument_protocol(copy, &flow->protocol))
        return false;
    const bool is_icmp = flow->protocol == IPPROTO_ICMP || flow->protocol == IPPROTO_ICMPV6;
    return !colon || (is_icmp && read_icmp_type(colon + 1, flow));
}

const char *protocol_name(uint16_t protocol)
{
    for (size_t i = 0; i < PROTOCOLS; i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].name;
    return NULL;
}

bool protocol_has_ports(uint8_t protocol)
{
    for (size_t i = 0; i < PROTOCOLS; i++)
        if (protocols[i].protocol == protocol)
            return protocols[i].has_ports;
    return false;
}

/* Splits "[address]:port", "address:port" or "address" in place; *ret_port_word is NULL without a port. */
static bool split_endpoint(char *word, char **ret_address_word, char **ret_port_word)
{
    *ret_port_word = NULL;
    if (*word == '[') {
        char *close = strchr(word, ']');
        if (!close || (close[1] && close[1] != ':'))
            return false;
        *ret_port_word = close[1] ? close + 2 : NULL;
        *close = '\0';
        *ret_address_word = word + 1;
        return true;
    }
    *ret_address_word = word;
    char *colon = strchr(word, ':');
    if (!colon || strchr(colon + 1, ':')) /* more than one: a bare IPv6 address */
        return true;
    *colon = '\0';
    *ret_port_word = colon + 1;
    return true;
}

bool argument_endpoint(const char *word, bool with_port, struct sp_address *ret_address, uint16_t *ret_port)
{
    char copy[128], *address_word, *port_word;
    if (strlen(word) >= sizeof copy)
        return false;
    memcpy(copy, word, strlen(word) + 1);
    if (!split_endpoint(copy, &address_word, &port_word) || with_port != (port_word != NULL))
        return false;

    struct sp_address address;
    uint64_t port = 0;
    if (port_word && !argument_number(port_word, UINT16_MAX, &port))
        return false;
    if (sp_address_parse(address_word, &address) != SP_OK)
        return false;
    *ret_address = address;
    *ret_port = (uint16_t)port;
    return true;
}

void me_start(struct me_option *option)
{
    option->me = (struct sp_me){.unknown = true, .addresses = option->addresses};
}

bool me_add(struct me_option *option, const char *word)
{
    struct sp_me *me = &option->me;
    if (me->count == ME_ADDRESSES_MAX || sp_address_parse(word, &option->addresses[me->count]) != SP_OK)
        return false;
    me->count++;
    me->unknown = false;
    return true;
}
