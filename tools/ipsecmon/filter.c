/* SPDX-License-Identifier: ISC
 *
 * Values of most fields are compared as texts without regard to case, whole for short words such as a
 * direction, as a part elsewhere; addresses are compared as addresses.
 */
#include "filter.h"

#include "tool.h"

#include <sallyport/sa.h>

#include <stdlib.h>
#include <string.h>

#define REASON_BYTES 256

enum field {
    FIELD_ANY,
    FIELD_SPI,
    FIELD_SA,
    FIELD_DIRECTION,
    FIELD_PEER,
    FIELD_SOURCE,
    FIELD_DESTINATION,
    FIELD_POLICY,
    FIELD_FILTER,
    FIELD_SECURITY,
    FIELD_PROTOCOL,
    FIELD_PORT,
    FIELD_STATE,
    FIELD_BACKEND,
    FIELD_COUNT
};

static const char *const field_names[] = {
    [FIELD_SPI] = "spi",           [FIELD_SA] = "sa",         [FIELD_DIRECTION] = "dir",
    [FIELD_PEER] = "peer",         [FIELD_SOURCE] = "source", [FIELD_DESTINATION] = "destination",
    [FIELD_POLICY] = "policy",     [FIELD_FILTER] = "filter", [FIELD_SECURITY] = "security",
    [FIELD_PROTOCOL] = "protocol", [FIELD_PORT] = "port",     [FIELD_STATE] = "state",
    [FIELD_BACKEND] = "backend",
};

struct word {
    enum field field;
    const char *value;
    struct sp_address address; /* of fields that are addresses */
    unsigned prefix_bits;
    uint32_t number;
};

struct filter {
    char *text; /* the values are in it */
    size_t word_count;
    struct word words[];
};

static bool is_address_field(enum field field)
{
    return field == FIELD_PEER || field == FIELD_SOURCE || field == FIELD_DESTINATION;
}

static bool read_number(const char *text, unsigned long most, uint32_t *ret_number)
{
    char *end;
    const unsigned long number = strtoul(text, &end, 0);
    if (*text < '0' || *text > '9' || *end || number > most)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

/* "192.0.2.1" or "192.0.2.0/24". */
static bool read_prefix(const char *text, struct word *word)
{
    char address[SP_ADDRESS_TEXT_BYTES + 4];
    uint32_t bits = 0;
    const size_t len_bytes = strcspn(text, "/");
    if (len_bytes >= sizeof address)
        return false;
    memcpy(address, text, len_bytes);
    address[len_bytes] = '\0';
    if (sp_address_parse(address, &word->address) != SP_OK)
        return false;
    const unsigned most = word->address.family == 6 ? 128 : 32;
    word->prefix_bits = most;
    if (!text[len_bytes])
        return true;
    if (!read_number(text + len_bytes + 1, most, &bits))
        return false;
    word->prefix_bits = bits;
    return true;
}

static bool read_value(struct word *word, char *reason)
{
    if (is_address_field(word->field) && !read_prefix(word->value, word))
        snprintf(reason, REASON_BYTES, "%s=%s: write an address or a prefix, 192.0.2.0/24 say",
                 field_names[word->field], word->value);
    else if (word->field == FIELD_SPI && !read_number(word->value, UINT32_MAX, &word->number))
        snprintf(reason, REASON_BYTES, "spi=%s: write a number, 0x1001 say", word->value);
    else if (word->field == FIELD_PORT && !read_number(word->value, UINT16_MAX, &word->number))
        snprintf(reason, REASON_BYTES, "port=%s: write a number, 80 say", word->value);
    else
        return true;
    return false;
}

static bool read_word(char *text, struct word *word, char *reason)
{
    *word = (struct word){.field = FIELD_ANY, .value = text};
    char *divider = strchr(text, '=');
    if (!divider)
        return true;
    *divider = '\0';
    word->value = divider + 1;
    for (int field = FIELD_ANY + 1; field < FIELD_COUNT; field++) {
        if (strcmp(text, field_names[field]) != 0)
            continue;
        word->field = (enum field)field;
        return read_value(word, reason);
    }
    snprintf(reason, REASON_BYTES, "there is no field \"%.40s\"; there are: " FILTER_FIELDS, text);
    return false;
}

struct filter *filter_read(const char *text, char *reason)
{
    const size_t most = strlen(text) / 2 + 1;
    struct filter *filter = tool_need(calloc(1, sizeof *filter + most * sizeof filter->words[0]));
    filter->text = tool_need(strdup(text));
    char *rest = NULL;
    for (char *word = strtok_r(filter->text, " \t", &rest); word; word = strtok_r(NULL, " \t", &rest)) {
        if (!read_word(word, &filter->words[filter->word_count++], reason)) {
            filter_destroy(&filter);
            return NULL;
        }
    }
    return filter;
}

void filter_destroy(struct filter **filter)
{
    if (!*filter)
        return;
    free((*filter)->text);
    free(*filter);
    *filter = NULL;
}

/* ---- passing ------------------------------------------------------------------------------------------- */

static bool address_passes(const struct word *word, const char *text)
{
    struct sp_address address;
    if (sp_address_parse(text, &address) != SP_OK || address.family != word->address.family)
        return false;
    const unsigned whole = word->prefix_bits / 8, rest = word->prefix_bits % 8;
    if (memcmp(address.bytes, word->address.bytes, whole) != 0)
        return false;
    return rest == 0 || ((address.bytes[whole] ^ word->address.bytes[whole]) >> (8 - rest)) == 0;
}

/* "80" or "1-1023". */
static bool range_holds(const char *ports, uint32_t port)
{
    unsigned first, last;
    const int read = sscanf(ports, "%u-%u", &first, &last);
    return read >= 1 && port >= first && port <= (read == 2 ? last : first);
}

/* A rule about port 80 has any port at its other end: that end doesn't count. */
static bool ports_pass(const struct association *sa, uint32_t port)
{
    if (strcmp(sa->source_ports, "any") == 0 && strcmp(sa->destination_ports, "any") == 0)
        return true;
    return range_holds(sa->source_ports, port) || range_holds(sa->destination_ports, port);
}

static bool occurs(const struct association *sa, const char *text)
{
    char spi[11];
    snprintf(spi, sizeof spi, "0x%08x", sa->spi);
    const char *const fields[] = {spi,          sa->name,   sa->direction, sa->source,     sa->destination,
                                  sa->policy,   sa->filter, sa->rule,      sa->security,   sa->suite,
                                  sa->protocol, sa->state,  sa->granted,   sa->fingerprint};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (strcasestr(fields[i], text))
            return true;
    return false;
}

static bool word_passes(const struct word *word, const struct association *sa)
{
    switch (word->field) {
    case FIELD_SPI:
        return sa->spi == word->number;
    case FIELD_SA:
        return strcasestr(sa->name, word->value) != NULL;
    case FIELD_DIRECTION:
        return strcasecmp(sa->direction, word->value) == 0;
    case FIELD_PEER:
        return address_passes(word, sa->peer);
    case FIELD_SOURCE:
        return address_passes(word, sa->source);
    case FIELD_DESTINATION:
        return address_passes(word, sa->destination);
    case FIELD_POLICY:
        return strcasestr(sa->policy, word->value) != NULL;
    case FIELD_FILTER:
        return strcasestr(sa->filter, word->value) != NULL;
    case FIELD_SECURITY:
        return strcasestr(sa->security, word->value) || strcasestr(sa->suite, word->value);
    case FIELD_PROTOCOL:
        return strcasecmp(sa->protocol, word->value) == 0;
    case FIELD_PORT:
        return ports_pass(sa, word->number);
    case FIELD_STATE:
        return strcasecmp(sa->state, word->value) == 0;
    case FIELD_BACKEND:
        return strcasecmp(sa->granted, word->value) == 0;
    default:
        return occurs(sa, word->value);
    }
}

bool filter_passes(const struct filter *filter, const struct association *association)
{
    for (size_t i = 0; filter && i < filter->word_count; i++)
        if (!word_passes(&filter->words[i], association))
            return false;
    return true;
}
