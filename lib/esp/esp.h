/* SPDX-License-Identifier: ISC
 *
 * ESP for those who bracket their own bursts: the engine.
 */
#ifndef SP_ESP_ESP_H
#define SP_ESP_ESP_H

#include <sallyport/esp.h>

/* As sp_esp_seal and sp_esp_open, for a thread that is online (sa/thread.h) already. */
void sp_esp_seal_online(struct sp_esp *esp, struct sp_packet *packets, size_t count);
void sp_esp_open_online(struct sp_esp *esp, struct sp_packet *packets, size_t count);

#endif
