/* SPDX-License-Identifier: ISC
 *
 * The TCP header's fields (RFC 9293 3.1).
 */
#ifndef SP_WIRE_TCP_H
#define SP_WIRE_TCP_H

#include <stdint.h>

#define SP_TCP_HEADER_BYTES_MIN 20
#define SP_TCP_SEQUENCE_AT 4
#define SP_TCP_DATA_OFFSET_AT 12
#define SP_TCP_FLAGS_AT 13
#define SP_TCP_CHECKSUM_AT 16

#define SP_TCP_FIN 0x01
#define SP_TCP_SYN 0x02
#define SP_TCP_PSH 0x08
#define SP_TCP_ACK 0x10
#define SP_TCP_CWR 0x80 /* RFC 3168 6.1 */

/* Header and options; unchecked. */
static inline uint32_t sp_tcp_header_bytes(const uint8_t *tcp)
{
    return (uint32_t)(tcp[SP_TCP_DATA_OFFSET_AT] >> 4) * 4;
}

#endif
