/* SPDX-License-Identifier: ISC
 *
 * An ICMP error quotes the packet that it is about, and about an opened one it would quote that in clear. So
 * an error that is about to leave unprotected goes, if what it quotes is what a protect rule lets in: by
 * protocol and ports, or ICMP type and code, and by addresses where the rule names them; a gateway must go on
 * telling the hosts behind it of their own packets, which a tunnel's rule has the other way round.
 *
 * A rule about any protocol also protects the error itself, which goes from one of the rule's ends to the
 * other. Not so a gateway's own errors about hosts behind it: it need not have an address of theirs.
 *
 * Ports are looked for behind an IPv4 header without options and an IPv6 header without extensions. Options
 * in front of ESP aren't authenticated, and anybody on the way may have put them there (RFC 4303 3.1.1):
 * where they are, ports don't count. The offsets are in bits, behind the ICMP header of 8 bytes.
 */
#include "guard/quotes.h"

#include <inttypes.h>

struct form {
    uint8_t family;
    const char *error;       /* which of them quote */
    const char *plain, *odd; /* the quoted header: as usual, or with more behind it */
    const char *protocol;    /* and what it says is there */
    bool is_protocol_hidden; /* when there is more behind it */
    const char *source, *destination, *source_port, *destination_port, *type, *code;
};

static const struct form forms[] = {
    {.family = 4,
     .error = "icmp type { destination-unreachable, redirect, time-exceeded, parameter-problem } ",
     .plain = "@th,64,8 0x45 ",
     .odd = "@th,64,8 0x46-0x4f ",
     .protocol = "@th,136,8",
     .source = "@th,160,32",
     .destination = "@th,192,32",
     .source_port = "@th,224,16",
     .destination_port = "@th,240,16",
     .type = "@th,224,8",
     .code = "@th,232,8"},
    {.family = 6,
     .error = "meta l4proto ipv6-icmp icmpv6 type 1-4 ",
     .plain = "",
     .odd = "@th,112,8 { 0, 43, 44, 60 } ", /* hop-by-hop, routing, fragment, destination options */
     .protocol = "@th,112,8",
     .is_protocol_hidden = true,
     .source = "@th,128,128",
     .destination = "@th,256,128",
     .source_port = "@th,384,16",
     .destination_port = "@th,400,16",
     .type = "@th,384,8",
     .code = "@th,392,8"},
};

static bool has_family(const struct sp_endpoint *end, uint8_t family)
{
    return match_has_part(end, family == 4 ? PART_IPV4 : PART_IPV6);
}

/* "me" can't be looked up for an address that is quoted. */
static bool is_named(const struct sp_endpoint *end)
{
    return end->address_count > 0 && !end->is_me;
}

static bool can_be(const struct sp_endpoint *end, uint8_t family)
{
    return !is_named(end) || has_family(end, family);
}

/* Begins a line: the error, and the addresses that it quotes. */
static bool begin_line(struct guard_text *text, const struct view *view, const struct form *form)
{
    const bool is_any = view->rule->protocol == SP_PROTOCOL_ANY;
    fprintf(text->rules, "\t\t%s", form->error);
    if (is_named(view->source) && !match_write_raw_addresses(text, view->source, form->family, form->source))
        return false;
    return !(is_any || is_named(view->destination)) ||
           match_write_raw_addresses(text, view->destination, form->family, form->destination);
}

static void end_line(struct guard_text *text, const struct view *view)
{
    fprintf(text->rules, "counter name %s_%" PRIu32 " drop\n", view->chain->name, view->index);
}

static bool write_plain(struct guard_text *text, const struct view *view, const struct form *form)
{
    if (!begin_line(text, view, form))
        return false;
    fprintf(text->rules, "%s%s %u ", form->plain, form->protocol, view->rule->protocol);
    if (!match_write_ports(text, view->source, form->source_port) ||
        !match_write_ports(text, view->destination, form->destination_port) ||
        !match_write_icmp(text, &view->rule->icmp, form->type, form->code))
        return false;
    end_line(text, view);
    return true;
}

static bool write_odd(struct guard_text *text, const struct view *view, const struct form *form)
{
    if (!begin_line(text, view, form))
        return false;
    fputs(form->odd, text->rules);
    if (!form->is_protocol_hidden)
        fprintf(text->rules, "%s %u ", form->protocol, view->rule->protocol);
    end_line(text, view);
    return true;
}

static bool write_form(struct guard_text *text, const struct view *view, const struct form *form)
{
    if (!can_be(view->source, form->family) || !can_be(view->destination, form->family))
        return true;
    if (view->rule->protocol != SP_PROTOCOL_ANY)
        return write_plain(text, view, form) && write_odd(text, view, form);
    if (!has_family(view->destination, form->family))
        return true; /* the error is from there, and protected itself */
    if (!begin_line(text, view, form))
        return false;
    end_line(text, view);
    return true;
}

bool quotes_write(struct guard_text *text, const struct view *view)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (!write_form(text, view, &forms[i]))
            return false;
    return true;
}
