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
/* On the thread that created it. Wipes, frees, nulls; *esp may be NULL. */
SP_API void sp_esp_destroy(struct sp_esp **esp);

/* Seals each packet under SA number packet->sa (RFC 4303 3.3), in place: the trailer and the ICV grow into
 * the tailroom, and into the headroom go 16 bytes of ESP header and IV (8 with null encryption), 8 of UDP
 * where the SA is encapsulated, and in tunnel mode the outer header of 20 or 40. In transport mode the IP
 * header moves in front of them; in tunnel mode the packet, of either family, stays where it is, and its hop
 * limit is the caller's to count down when it forwards. Packets that already have a verdict are left alone.
 * Afterwards the verdict is SP_VERDICT_SEALED, or SP_VERDICT_DROP with NO_SA (in transport mode also for a
 * packet that isn't from the SA's source to its destination), BAD_NEXT_HEADER (transport mode: a whole IP
 * packet, which would be tunnel mode), FRAGMENT (transport mode; in either mode a later IPv6 fragment that
 * goes on in the middle of extension headers), MALFORMED, NO_ROOM, TOO_LONG, SEQ_EXHAUSTED, HARD_* or, of an
 * SA whose use is kept (state.h), STATE_BEHIND; a dropped packet's bytes are as they were. Counts against the
 * SA's lifetime. No allocation, lock or system call. A packet that reaches out of its buffer is misuse. */
SP_API void sp_esp_seal(struct sp_esp *esp, struct sp_packet *packets, size_t count);

/* Finds each ESP packet's SA by SPI and addresses, checks replay, verifies the ICV, and only then decrypts,
 * in place (RFC 4303 3.4): afterwards it is the IP packet that the peer sealed, verdict SP_VERDICT_OPENED and
 * packet->sa set, or SP_VERDICT_DROP with UNKNOWN_SPI, REPLAY, BAD_ICV, BAD_LENGTH, BAD_PADDING,
 * BAD_NEXT_HEADER, BAD_INNER, BAD_ECN, DUMMY, FRAGMENT, MALFORMED, HARD_*, STATE_BEHIND (as above), ENCAP,
 * IKE and KEEPALIVE (on the port of an SA that is encapsulated), or CLEAR_TEXT when it is no ESP packet.
 * packet->sa is set as soon as its SA is found, also when it is dropped. In tunnel mode the outer header is
 * gone afterwards; congestion that it tells of is marked in the inner one (RFC 6040 4.2), whose addresses
 * nobody has compared with anything yet: that takes a policy (RFC 4301 5.2, engine.h). No plaintext is ever
 * left in a dropped packet. Packets that already have a verdict are left alone. The replay window belongs to
 * one context at a time: steer packets by SPI. No allocation, lock or system call. A packet that reaches out
 * of its buffer is misuse. */
SP_API void sp_esp_open(struct sp_esp *esp, struct sp_packet *packets, size_t count);

#ifdef __cplusplus
}
#endif
#endif
