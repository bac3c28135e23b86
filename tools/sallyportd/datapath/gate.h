/* SPDX-License-Identifier: ISC
 *
 * The data path: from the TUN device through the engine to the wire, and back. Some threads (worker.h), each
 * for both directions; nothing that the control thread does holds them up.
 */
#ifndef SALLYPORTD_GATE_H
#define SALLYPORTD_GATE_H

#include "datapath/tun.h"
#include "datapath/udp_socket.h"

#include <sallyport/engine.h>

struct gate;

/* The largest TCP segments that still fit the path once sealed. */
struct gate_mss {
    uint16_t ipv4_bytes, ipv6_bytes;
};

/* Starts a worker on each queue of the device, which stays the caller's. NULL after saying why. */
struct gate *gate_start(struct sp_engine *engine, const struct tun *tun, const struct gate_mss *mss,
                        const struct udp_settings *udp);
/* Ends them; nulls. *gate may be NULL. */
void gate_stop(struct gate **gate);

/* SYNs are lowered to this from now on. */
void gate_set_mss(struct gate *gate, const struct gate_mss *mss);

/* Readable once the data path has broken for good (its device was taken away). */
int gate_failure_fd(const struct gate *gate);

/* How many packets the workers' sockets had no room for since the last call, or kept too long. Control
 * thread.
 */
uint64_t gate_take_overflowed(struct gate *gate);

/* The sockets whose error reports are the control thread's to read: of a family (4, 6), about ESP or about
 * ESP in UDP; -1: none. */
int gate_report_fd(const struct gate *gate, uint8_t family, bool is_udp);

/* Sends a keepalive for an encapsulated SA of this host's. Control thread. */
void gate_keep_alive(struct gate *gate, const struct sp_sa_info *sa);

#endif
