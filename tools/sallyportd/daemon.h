/* SPDX-License-Identifier: ISC
 *
 * What the control thread of a running sallyportd holds.
 */
#ifndef SALLYPORTD_DAEMON_H
#define SALLYPORTD_DAEMON_H

#include "datapath/gate.h"
#include "datapath/tun.h"
#include "guard/guard.h"
#include "guard/second_guard.h"
#include "host/host.h"
#include "host/routes.h"
#include "options.h"

#include <sallyport/segment.h>
#include <sallyport/state.h>

#include <time.h>

/* Where a rule was written: a policy that is read again from its canonical text would no longer know. */
struct rule_place {
    char *file;
    uint32_t line;
};

struct policy_source {
    char *text; /* canonical, so that a change of addresses needs no file */
    /* As who loaded them called them; NULL: the daemon's own files. */
    char *policy_name, *keys_name;
    struct rule_place *places;
    uint32_t place_count;
};

/* What is remembered of an SA, to tell what came and went. */
struct known_sa {
    bool is_there;
    uint32_t spi;
    struct sp_address source, destination;
    char fingerprint[17];
};

struct events {
    uint64_t acquire, soft_expired, hard_expired; /* so far */
    uint64_t lines_now, left_out;                 /* acquires in the log, in this second */
    struct known_sa *known;                       /* by the SA's number */
};

struct path_limits {
    uint32_t path_mtu_bytes;
    uint32_t ipv4_mtu_bytes, ipv6_mtu_bytes; /* of packets before they are sealed */
    struct gate_mss mss;
};

/* A peer whose path is known to be narrower than our own link. */
struct narrow_peer {
    struct sp_address address;
    uint32_t path_mtu_bytes;
    uint32_t seconds_left; /* then the path is given another chance */
};
#define NARROW_PEERS_MAX 1024u

/* A policy and keys that are in force for now: unless somebody confirms them, the former ones come back. */
struct trial {
    bool is_on;
    struct policy_source former;
    struct sp_sad_reload *keys;
    struct timespec end; /* CLOCK_BOOTTIME */
};

struct quiet_sa;   /* encap.c */
struct last_drops; /* last_drops.c */
struct audit_log;  /* audit_log.h */
struct control_server;

struct daemon {
    struct options options;
    struct sp_sad *sad;
    struct sp_state *state; /* NULL: what SAs use is not kept */
    bool is_state_failing;
    struct sp_engine *engine;
    struct policy_source source;
    struct trial trial;
    struct sp_me me;
    struct host_lock lock;
    struct guard *guard;
    struct second_guard second_guard;
    struct routes routes;
    struct tun tun;
    struct path_limits limits;
    struct narrow_peer narrow[NARROW_PEERS_MAX];
    uint32_t narrow_count;
    struct gate *gate;
    uint64_t device_dropped_packets; /* counted so far (losses.c), of the device that there is now */
    struct quiet_sa *quiet;          /* by the SA's number */
    struct events events;
    struct last_drops *last_drops;
    struct audit_log *audit;
    struct control_server *server; /* NULL: not there yet */
    struct sp_segment *segment;    /* NULL: could not be made, which was said */
    struct timespec started;
};

#endif
