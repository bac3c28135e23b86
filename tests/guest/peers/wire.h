/* SPDX-License-Identifier: ISC
 *
 * The host's end of a guest's vec0: Ethernet frames in datagrams of the descriptor that in-guest names.
 *
 * The guest gets permanent neighbour entries, so there is no ARP and no neighbour discovery on this wire.
 */
#ifndef SALLYPORT_TESTS_GUEST_WIRE_H
#define SALLYPORT_TESTS_GUEST_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WIRE_MTU_BYTES 1500

/* The wire of $SP_WIRE, once the guest has said that it is ready. Exits when there is none or it never is. */
int wire_open(void);
void wire_send(int wire, const uint8_t *ip_packet, size_t len_bytes);
/* Waits for an IP packet, at most until wait_ms are over; its length, or 0. */
size_t wire_receive(int wire, uint8_t *ip_packet, size_t capacity_bytes, int wait_ms);

#endif
