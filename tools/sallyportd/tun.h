/* SPDX-License-Identifier: ISC
 *
 * The TUN device: where the kernel hands over the packets to seal, and takes the opened ones.
 */
#ifndef SALLYPORTD_TUN_H
#define SALLYPORTD_TUN_H

/* Makes the device, lets it take packets whose way back is another device, and brings it up. A
 * nonblocking descriptor, or -1 after saying why. The device goes when the descriptor is closed, however the
 * process ends. */
int tun_open(const char *name);

#endif
