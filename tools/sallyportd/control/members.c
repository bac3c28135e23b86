/* SPDX-License-Identifier: ISC
 *
 * Members that several of control.h's objects have.
 */
#include "control/members.h"

json_t *member_number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

json_t *member_text(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

json_t *member_address(const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return json_string(sp_address_format(address, text));
}

json_t *member_lifetime(const struct sp_lifetime *lifetime)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "preset", member_text(sp_lifetime_preset_name(lifetime)),
        "soft_bytes", member_number(lifetime->soft_bytes), "hard_bytes", member_number(lifetime->hard_bytes),
        "soft_packets", member_number(lifetime->soft_packets), "hard_packets",
        member_number(lifetime->hard_packets), "soft_seconds", member_number(lifetime->soft_seconds),
        "hard_seconds", member_number(lifetime->hard_seconds));
}

json_t *member_limit(enum sp_limit limit)
{
    return limit == SP_LIMIT_NONE ? json_null() : json_string(sp_limit_name(limit));
}

const char *member_direction(const struct daemon *daemon, const struct sp_address *source,
                             const struct sp_address *destination)
{
    if (host_has_address(&daemon->me, source))
        return "out";
    return host_has_address(&daemon->me, destination) ? "in" : "none";
}
