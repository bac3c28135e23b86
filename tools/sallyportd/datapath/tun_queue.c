/* SPDX-License-Identifier: ISC
 *
 * Packets out of and into a queue of the TUN device, each behind the header that says what is still to be
 * done to it (struct virtio_net_hdr: virtio 1.2, 5.1.6; its numbers are the host's own byte order here).
 */
#include "datapath/tun.h"

#include <errno.h>
#include <linux/virtio_net.h>
#include <sys/uio.h>
#include <unistd.h>

static struct sp_large large_of(const struct virtio_net_hdr *header)
{
    struct sp_large large = {.needs_checksum = (header->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0};
    if (large.needs_checksum) {
        large.checksum_start_bytes = header->csum_start;
        large.checksum_offset_bytes = header->csum_offset;
    }
    if (header->gso_type != VIRTIO_NET_HDR_GSO_NONE)
        large.segment_bytes = header->gso_size;
    return large;
}

size_t tun_read(int fd, uint8_t *packet, struct sp_large *ret_large)
{
    struct virtio_net_hdr header;
    struct iovec vectors[] = {{.iov_base = &header, .iov_len = sizeof header},
                              {.iov_base = packet, .iov_len = TUN_PACKET_BYTES_MAX}};
    ssize_t got;
    do
        got = readv(fd, vectors, 2);
    while (got < 0 && errno == EINTR);
    if (got <= (ssize_t)sizeof header)
        return 0;
    *ret_large = large_of(&header);
    return (size_t)got - sizeof header;
}

static struct virtio_net_hdr header_of(const struct sp_joined *joined, const struct sp_piece *first)
{
    struct virtio_net_hdr header = {.gso_type = VIRTIO_NET_HDR_GSO_NONE};
    if (joined->large.segment_bytes == 0)
        return header;
    const uint8_t *tcp = first->data + joined->large.checksum_start_bytes;
    header = (struct virtio_net_hdr){
        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
        .gso_type = first->data[0] >> 4 == 6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4,
        .hdr_len = (uint16_t)(joined->large.checksum_start_bytes + (tcp[12] >> 4) * 4),
        .gso_size = joined->large.segment_bytes,
        .csum_start = joined->large.checksum_start_bytes,
        .csum_offset = joined->large.checksum_offset_bytes,
    };
    return header;
}

bool tun_write(int fd, const struct sp_piece *pieces, const struct sp_joined *joined)
{
    const struct sp_piece *first = &pieces[joined->first_piece];
    struct virtio_net_hdr header = header_of(joined, first);
    struct iovec vectors[1 + SP_JOIN_PACKETS_MAX] = {{.iov_base = &header, .iov_len = sizeof header}};
    for (uint32_t i = 0; i < joined->piece_count; i++)
        vectors[1 + i] =
            (struct iovec){.iov_base = (void *)(uintptr_t)first[i].data, .iov_len = first[i].len_bytes};
    const ssize_t written = writev(fd, vectors, 1 + (int)joined->piece_count);
    return written == (ssize_t)(sizeof header + joined->len_bytes);
}
