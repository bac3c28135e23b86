/* SPDX-License-Identifier: ISC
 *
 * Sallyport: large packets. A host's stack hands over TCP data in packets of up to 64 KB, and likes to get it
 * so (TSO and GRO: Linux Documentation/networking/segmentation-offloads.rst); SAs and wires want segments.
 * Cut a large packet into a burst that is ready to be sealed, join an opened burst into large packets again.
 *
 * Nothing here allocates, locks, or makes system calls; any thread, on memory of its own.
 */
#ifndef SALLYPORT_LARGE_H
#define SALLYPORT_LARGE_H

#include <sallyport/packet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What a device or a stack says beside a packet that isn't ready for the wire: the fields of virtio_net_hdr
 * (virtio 1.2, 5.1.6) that count here. All zero: an ordinary packet. */
struct sp_large {
    uint16_t segment_bytes;         /* cut it into segments of at most so much TCP payload; 0: it is one */
    bool needs_checksum;            /* the checksum field holds no more than the pseudo-header's sum */
    uint16_t checksum_start_bytes;  /* if so: the sum starts so far behind the IP header's first byte */
    uint16_t checksum_offset_bytes; /* and so far behind that is the field */
};

/* A large packet on its way into segments. Set by sp_cutter_start(), else opaque. */
struct sp_cutter {
    const uint8_t *packet;
    uint32_t header_bytes; /* IP and TCP; all of an ordinary packet */
    uint32_t tcp_at;       /* 0: an ordinary packet */
    uint32_t payload_bytes, done_bytes, segment_bytes;
    uint32_t segments_done;
    struct sp_large large;
    bool is_ipv6, is_done;
};

/* Takes up a packet of len_bytes (1 to 65,575: IPv6 counts its header on top), which must stay as it is
 * until the last segment is out. SP_DROP_NONE; SP_DROP_MALFORMED: large doesn't fit the packet (segment_bytes
 * with anything but unfragmented TCP over IPv4 or IPv6, a checksum field outside of it) or its headers are
 * wrong; the cutter then gives no segments. */
SP_API enum sp_drop sp_cutter_start(struct sp_cutter *cutter, const uint8_t *packet, size_t len_bytes,
                                    const struct sp_large *large) SP_MUST_USE;

/* Writes up to count further segments, each into a packet's buffer at SP_PACKET_HEADROOM_BYTES, with lengths,
 * sequence numbers, IPv4 identification and all checksums as the wire wants them; FIN and PSH go with the
 * last, CWR with the first segment. Sets head_bytes and len_bytes. Returns how many; 0: that was all. Buffers
 * must hold headroom, a segment with its headers (an ordinary packet: len_bytes) and tailroom: misuse
 * otherwise. */
SP_API size_t sp_cutter_next(struct sp_cutter *cutter, struct sp_packet *packets, size_t count);

/* A stretch of a joined packet: bytes inside of packets[packet]. */
struct sp_piece {
    const uint8_t *data;
    uint32_t len_bytes;
    uint32_t packet;
};

/* One packet for the host: its pieces in their order. */
struct sp_joined {
    uint32_t first_piece, piece_count;
    uint32_t len_bytes;
    struct sp_large large;
};

#define SP_JOIN_PACKETS_MAX 256

/* Joins neighbouring TCP segments of each flow among the packets that have the given verdict; what can't be
 * joined comes out alone, and no flow's order changes. Joined are segments (IPv4 without options or IPv6, ACK
 * set, no other flag but PSH, right checksums) that follow each other without a gap and don't differ but in
 * what cutting makes differ: so cutting the result anew gives the same segments again. The first packet of a
 * joined one is written to: its headers become those of the whole. ret_pieces and ret_joined have room for
 * count entries, count up to SP_JOIN_PACKETS_MAX (misuse otherwise). Returns how many joined packets. */
SP_API size_t sp_join(struct sp_packet *packets, size_t count, enum sp_verdict verdict,
                      struct sp_piece *ret_pieces, struct sp_joined *ret_joined);

#ifdef __cplusplus
}
#endif
#endif
