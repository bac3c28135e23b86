/* SPDX-License-Identifier: ISC
 *
 * ESP for those who bracket their own bursts: the engine.
 */
#ifndef SP_ESP_ESP_H
#define SP_ESP_ESP_H

#include "sa/sad.h"
#include "wire/headers.h"

#include <sallyport/esp.h>

/* UDP to the port of an encapsulated SA (RFC 3948 2.1). It stands where ESP would, or it is another packet.
 */
static inline bool sp_esp_is_encapsulated(const struct sp_sad *sad, const struct sp_headers *headers)
{
    return headers->protocol == SP_PROTOCOL_UDP && headers->has_ports &&
           headers->esp_offset == headers->upper_offset &&
           sp_sad_has_encap_port(sad, headers->destination_port);
}

/* Does the packet carry ESP, or say so at least? Anything else is clear text. */
static inline bool sp_esp_is_carrier(const struct sp_sad *sad, const struct sp_headers *headers)
{
    return headers->protocol == SP_PROTOCOL_ESP || sp_esp_is_encapsulated(sad, headers);
}

/* As sp_esp_seal and sp_esp_open, for a thread that is online (sa/thread.h) already. */
void sp_esp_seal_online(struct sp_esp *esp, struct sp_packet *packets, size_t count);
void sp_esp_open_online(struct sp_esp *esp, struct sp_packet *packets, size_t count);

#endif
