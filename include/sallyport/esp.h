/* SPDX-License-Identifier: ISC
 *
 * Sallyport: ESP (RFC 4303) on bursts of packets, without a policy.
 *
 * For those who have their own SPD and only want the cipher engine. Most users want engine.h.
 */
#ifndef SALLYPORT_ESP_H
#define SALLYPORT_ESP_H

#include <sallyport/packet.h>
#include <sallyport/sa.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One thread's ESP context: scratch memory and a pool of random IVs. */
struct sp_esp;

/* The SAD must outlive the context. Use it on the creating thread only. SP_ERR_MEMORY. */
SP_API enum sp_status sp_esp_create(struct sp_sad *sad, struct sp_esp **ret_esp) SP_MUST_USE;
SP_API void sp_esp_destroy(struct sp_esp **esp);

/* Seals each packet under SA number packet->sa (RFC 4303 3.3), in place: the IP header moves into the
 * headroom (16 bytes; 8 with null encryption), the trailer and the ICV grow into the tailroom. Packets that
 * already have a verdict are left alone. Afterwards the verdict is SP_VERDICT_SEALED, or SP_VERDICT_DROP with
 * NO_SA (also for a packet that isn't from the SA's source to its destination), BAD_NEXT_HEADER (a whole IP
 * packet: that would be tunnel mode), FRAGMENT, MALFORMED, NO_ROOM,
 * TOO_LONG, SEQ_EXHAUSTED or HARD_*; a dropped packet's bytes are as they were. Counts against the SA's
 * lifetime. No allocation, lock or system call. */
SP_API void sp_esp_seal(struct sp_esp *esp, struct sp_packet *packets, size_t count);

/* Finds each ESP packet's SA by SPI and addresses, checks replay, verifies the ICV, and only then decrypts,
 * in place (RFC 4303 3.4): afterwards it is the IP packet that the peer sealed, verdict SP_VERDICT_OPENED and
 * packet->sa set, or SP_VERDICT_DROP with UNKNOWN_SPI, REPLAY, BAD_ICV, BAD_LENGTH, BAD_PADDING,
 * BAD_NEXT_HEADER, DUMMY, FRAGMENT, MALFORMED, HARD_*, or CLEAR_TEXT when it is no ESP packet. No plaintext
 * is ever left in a dropped packet. Packets that already have a verdict are left alone. The replay window
 * belongs to one context at a time: steer packets by SPI. */
SP_API void sp_esp_open(struct sp_esp *esp, struct sp_packet *packets, size_t count);

#ifdef __cplusplus
}
#endif
#endif
