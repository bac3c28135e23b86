/* SPDX-License-Identifier: ISC
 *
 * What sallyportd is told on its command line.
 */
#ifndef SALLYPORTD_OPTIONS_H
#define SALLYPORTD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct options {
    const char *policy_path, *keys_path;
    const char *device;
    const char *control_path;
    const char *state_folder;   /* NULL: what SAs use is not kept */
    const char *stats_path;     /* NULL: beside the control socket */
    const char *audit;          /* where the audit log goes, as audit/sink.h has it */
    uint32_t path_mtu_bytes;    /* 0: ask the kernel */
    uint32_t mark;              /* of packets that are steered */
    uint32_t table;             /* of routes, where they are steered to */
    uint32_t encap_port;        /* UDP's, of encapsulated SAs; 0: there are none */
    uint32_t keepalive_seconds; /* 0: never */
    uint32_t grace_seconds;     /* that SAs stay, inbound, after others have taken their place */
    uint32_t workers;           /* threads of the data path */
    bool leave_guard;
    bool is_undo; /* take away what an earlier daemon left, and end */
};

/* Of what the data path itself sends in UDP. */
static inline uint32_t options_encap_mark(const struct options *options)
{
    return options->mark + 1;
}

#define OPTIONS_GO_ON (-1)

/* OPTIONS_GO_ON, or the code to exit with: help was asked for, or something is wrong and was said. */
int options_read(int argc, char **argv, struct options *ret_options);

#endif
