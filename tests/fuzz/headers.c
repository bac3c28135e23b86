/* SPDX-License-Identifier: ISC
 *
 * IP headers: no byte outside of the packet is read, and what is found lies within it. Also the clamping of
 * TCP's MSS, which writes.
 */
#include "fuzz.h"

#include "wire/headers.h"

#include <sallyport/analysis.h>

#include <string.h>

static void read_headers(const uint8_t *data, size_t size, bool check_checksum)
{
    struct sp_headers headers;
    uint32_t total_bytes;
    const enum sp_drop drop = sp_headers_read(data, size, check_checksum, &headers, &total_bytes);
    FUZZ_HOLDS(drop == SP_DROP_NONE || drop == SP_DROP_MALFORMED || drop == SP_DROP_FRAGMENT);
    if (drop != SP_DROP_NONE)
        return;
    FUZZ_HOLDS(total_bytes <= size && headers.upper_offset <= total_bytes &&
               headers.esp_offset <= total_bytes);
    FUZZ_HOLDS(headers.next_header_offset < headers.esp_offset);
    FUZZ_HOLDS(data[headers.next_header_offset] == headers.esp_next_header);
    FUZZ_HOLDS(!headers.has_ports || headers.upper_offset + 4 <= total_bytes);
    FUZZ_HOLDS(!headers.has_icmp_type || headers.upper_offset + 2 <= total_bytes);
    FUZZ_HOLDS(!headers.is_first_fragment || headers.is_fragment);
    FUZZ_HOLDS(headers.source.family == headers.destination.family && headers.source.family == data[0] >> 4);
}

static void clamp(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    FUZZ_HOLDS(copy != NULL);
    memcpy(copy, data, size);
    struct sp_packet packet = {.buffer = copy, .capacity_bytes = (uint32_t)size, .len_bytes = (uint32_t)size};
    const bool is_changed = sp_packet_clamp_mss(&packet, 1000);
    FUZZ_HOLDS(packet.len_bytes == size && packet.head_bytes == 0);
    FUZZ_HOLDS(is_changed == (memcmp(copy, data, size) != 0));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sp_flow flow;
    if (size > UINT16_MAX)
        return 0;
    read_headers(data, size, false);
    read_headers(data, size, true);
    (void)(sp_flow_read(data, size, SP_INBOUND, &flow) == SP_DROP_NONE);
    clamp(data, size);
    return 0;
}
