/* SPDX-License-Identifier: ISC
 *
 * The TUN device: where the kernel hands over the packets to seal, and takes the opened ones. TCP data comes
 * and goes in packets of up to 64 KB, whose cutting and joining is ours (sallyport/large.h).
 */
#ifndef SALLYPORTD_TUN_H
#define SALLYPORTD_TUN_H

#include <sallyport/large.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TUN_QUEUES_MAX 64
#define TUN_PACKET_BYTES_MAX 65600u /* IPv6 counts its header on top of 65,535 bytes */

struct tun {
    int fds[TUN_QUEUES_MAX]; /* nonblocking, one a queue: the kernel keeps a flow on one of them */
    size_t count;
};

/* Makes the device with so many queues (1..TUN_QUEUES_MAX), lets it take packets whose way back is another
 * device, and brings it up. False after saying why. */
bool tun_open(const char *name, size_t queues, struct tun *ret_tun);
/* Is it up, and has it the address that it was given? Makes it so. True: it wasn't. */
bool tun_repair(const char *name);
/* The device goes with its last descriptor, however the process ends. */
void tun_close(struct tun *tun);

/* Takes one packet out of a queue, into memory of TUN_PACKET_BYTES_MAX. Its length; 0: none waits. */
size_t tun_read(int fd, uint8_t *packet, struct sp_large *ret_large);
/* Hands one to the host. False: the host could not take it. */
bool tun_write(int fd, const struct sp_piece *pieces, const struct sp_joined *joined);

#endif
