/* SPDX-License-Identifier: ISC
 *
 * The naive twin of the selector tables: box after box, every dimension spelt out (RFC 4301 4.4.1: an SPD is
 * ordered, the first match decides). It shares no code with what it judges.
 */
#include "selector/selector.h"

static bool is_between(const struct sp_selector_address *address, const struct sp_selector_address *first,
                       const struct sp_selector_address *last)
{
    bool reaches_first =
        address->high > first->high || (address->high == first->high && address->low >= first->low);
    bool within_last =
        address->high < last->high || (address->high == last->high && address->low <= last->low);
    return reaches_first && within_last;
}

static bool ports_match(const struct sp_selector_box *box, const struct sp_selector_key *key)
{
    if (!box->has_ports)
        return true;
    if (key->ports_unknown)
        return !box->is_bypass; /* fail closed: what may be protected or blocked is treated so */
    return key->source_port >= box->source_port_first && key->source_port <= box->source_port_last &&
           key->destination_port >= box->destination_port_first &&
           key->destination_port <= box->destination_port_last;
}

static bool box_holds(const struct sp_selector_box *box, const struct sp_selector_key *key)
{
    if (box->family != 0 && box->family != key->family)
        return false;
    if (box->protocol != SP_SELECTOR_PROTOCOL_ANY && box->protocol != key->protocol)
        return false;
    if (!ports_match(box, key))
        return false;
    if (box->family == 0)
        return true;
    return is_between(&key->source, &box->source_first, &box->source_last) &&
           is_between(&key->destination, &box->destination_first, &box->destination_last);
}

uint32_t sp_selector_naive(const struct sp_selector_box *boxes, uint32_t count,
                           const struct sp_selector_key *key)
{
    for (uint32_t i = 0; i < count; i++)
        if (box_holds(&boxes[i], key))
            return i;
    return SP_SELECTOR_MISS;
}
