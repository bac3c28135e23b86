/* SPDX-License-Identifier: ISC
 *
 * What a policy is asked about, read from a packet.
 */
#include "core/misuse.h"
#include "wire/headers.h"

#include <sallyport/analysis.h>

enum sp_drop sp_flow_read(const uint8_t *packet, size_t len_bytes, enum sp_direction direction,
                          struct sp_flow *ret_flow)
{
    struct sp_headers headers;
    uint32_t total_bytes;
    SP_REQUIRE(packet != NULL && ret_flow != NULL);
    enum sp_drop drop = sp_headers_read(packet, len_bytes, false, &headers, &total_bytes);
    if (drop != SP_DROP_NONE)
        return drop;
    if (headers.is_fragment)
        return SP_DROP_FRAGMENT;
    *ret_flow = (struct sp_flow){
        .direction = direction,
        .protocol = headers.protocol,
        .source = headers.source,
        .destination = headers.destination,
        .source_port = headers.source_port,
        .destination_port = headers.destination_port,
        .has_icmp_type = headers.has_icmp_type,
        .icmp_type = headers.icmp_type,
        .icmp_code = headers.icmp_code,
    };
    return SP_DROP_NONE;
}
