/* SPDX-License-Identifier: ISC
 *
 * Link headers of capture files (https://www.tcpdump.org/linktypes.html): Ethernet with any number of VLAN
 * tags (IEEE 802.1Q, 802.1ad), Linux cooked captures, and bare IP. IP inside anything else (PPPoE, MPLS) is
 * not looked for.
 */
#include "link.h"

#include <pcap/dlt.h>

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_VLAN_SERVICE 0x88a8
#define ETHERTYPE_VLAN_OLD 0x9100

#define ETHERNET_TYPE_OFFSET 12
#define COOKED_TYPE_OFFSET 14
#define COOKED2_BYTES 20
#define TAGS_MAX 8

bool link_is_supported(int link_type)
{
    switch (link_type) {
    case DLT_EN10MB:
    case DLT_LINUX_SLL:
    case DLT_LINUX_SLL2:
    case DLT_RAW:
    case DLT_IPV4:
    case DLT_IPV6:
        return true;
    default:
        return false;
    }
}

const char *link_supported_list(void)
{
    return "Ethernet (EN10MB), raw IP (RAW, IPV4, IPV6) and Linux cooked (LINUX_SLL, LINUX_SLL2)";
}

static uint16_t read16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static bool is_ip(uint16_t type)
{
    return type == ETHERTYPE_IPV4 || type == ETHERTYPE_IPV6;
}

static bool is_vlan(uint16_t type)
{
    return type == ETHERTYPE_VLAN || type == ETHERTYPE_VLAN_SERVICE || type == ETHERTYPE_VLAN_OLD;
}

/* From the offset of a type field, past VLAN tags, to what is behind the last one. */
static bool skip_tags(const uint8_t *frame, uint32_t len_bytes, uint32_t type_offset, uint32_t *ret_end)
{
    for (uint32_t tags = 0; tags <= TAGS_MAX; tags++) {
        if (len_bytes < type_offset + 2)
            return false;
        const uint16_t type = read16(frame + type_offset);
        *ret_end = type_offset + 2;
        if (!is_vlan(type))
            return is_ip(type);
        type_offset += 4;
    }
    return false;
}

bool link_find_ip(int link_type, const uint8_t *frame, uint32_t len_bytes, uint32_t *ret_link_bytes)
{
    switch (link_type) {
    case DLT_EN10MB:
        return skip_tags(frame, len_bytes, ETHERNET_TYPE_OFFSET, ret_link_bytes);
    case DLT_LINUX_SLL:
        return skip_tags(frame, len_bytes, COOKED_TYPE_OFFSET, ret_link_bytes);
    case DLT_LINUX_SLL2: /* the type comes first; tags are not kept in line */
        *ret_link_bytes = COOKED2_BYTES;
        return len_bytes >= COOKED2_BYTES && is_ip(read16(frame));
    default:
        *ret_link_bytes = 0;
        return len_bytes > 0;
    }
}

uint32_t link_ip_bytes(const uint8_t *packet, uint32_t len_bytes)
{
    if (len_bytes < 6)
        return 0;
    if (packet[0] >> 4 == 4)
        return read16(packet + 2);
    if (packet[0] >> 4 != 6 || read16(packet + 4) == 0) /* 0: a jumbogram */
        return 0;
    return 40u + read16(packet + 4);
}
