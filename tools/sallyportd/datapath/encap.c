/* SPDX-License-Identifier: ISC
 *
 * A NAT forgets a mapping through which nothing comes for a while, and then the peer can't reach this host
 * any more: so something is sent (RFC 3948 4). Whether there is a NAT nobody tells a host with manual keys;
 * the keepalives go out in any case, unless they are turned off.
 */
#include "datapath/encap.h"

#include "log.h"

#include <stdlib.h>

struct quiet_sa {
    uint64_t packets; /* sent until then */
    uint32_t seconds;
};

/* This host's port in the SA; 0: it isn't encapsulated, or between others. */
static uint16_t own_port(const struct daemon *daemon, const struct sp_sa_info *sa)
{
    if (!sp_encap_is_on(&sa->encap))
        return 0;
    if (host_has_address(&daemon->me, &sa->source))
        return sa->encap.source_port;
    return host_has_address(&daemon->me, &sa->destination) ? sa->encap.destination_port : 0;
}

typedef bool sa_visitor(struct daemon *daemon, const struct sp_sa_info *sa);

static bool visit(struct daemon *daemon, sa_visitor *visitor)
{
    uint32_t seen = 0;
    const uint32_t count = sp_sad_count(daemon->sad);
    for (uint32_t number = 0; number < sp_sad_capacity(daemon->sad) && seen < count; number++) {
        struct sp_sa_info sa;
        if (sp_sad_get(daemon->sad, number, &sa) != SP_OK)
            continue;
        seen++;
        if (!visitor(daemon, &sa))
            return false;
    }
    return true;
}

static bool agrees(struct daemon *daemon, const struct sp_sa_info *sa)
{
    const uint16_t port = own_port(daemon, sa);
    if (port == 0 || port == daemon->options.encap_port)
        return true;
    if (daemon->options.encap_port == 0) {
        daemon->options.encap_port = port;
        return true;
    }
    log_line("SA \"%s\" (SPI %#x) is encapsulated with UDP port %u on this host, but it is %u here: one port "
             "must do for all SAs",
             sa->name, sa->spi, port, daemon->options.encap_port);
    return false;
}

bool encap_choose_port(struct daemon *daemon)
{
    return visit(daemon, agrees);
}

bool encap_fits(const struct daemon *daemon)
{
    struct daemon *self = (struct daemon *)(uintptr_t)daemon; /* nothing is set when the port is */
    const bool is_open = daemon->options.encap_port != 0;
    const bool fits = visit(self, agrees);
    if (is_open || daemon->options.encap_port == 0)
        return fits;
    self->options.encap_port = 0;
    log_line("these are the first SAs that are encapsulated in UDP, and no port was opened for them: start "
             "sallyportd anew, or start it with --encap-port next time");
    return false;
}

static bool keep_alive(struct daemon *daemon, const struct sp_sa_info *sa)
{
    struct quiet_sa *quiet = &daemon->quiet[sa->number];
    if (!sp_encap_is_on(&sa->encap) || !host_has_address(&daemon->me, &sa->source))
        return true;
    if (sa->sequence_sent != quiet->packets) {
        *quiet = (struct quiet_sa){.packets = sa->sequence_sent};
        return true;
    }
    if (++quiet->seconds < daemon->options.keepalive_seconds)
        return true;
    quiet->seconds = 0;
    gate_keep_alive(daemon->gate, sa);
    return true;
}

void encap_tick(struct daemon *daemon)
{
    if (daemon->options.encap_port == 0 || daemon->options.keepalive_seconds == 0)
        return;
    if (!daemon->quiet)
        daemon->quiet = calloc(sp_sad_capacity(daemon->sad), sizeof *daemon->quiet);
    if (daemon->quiet)
        (void)visit(daemon, keep_alive);
}

void encap_free(struct daemon *daemon)
{
    free(daemon->quiet);
    daemon->quiet = NULL;
}
