/* SPDX-License-Identifier: ISC
 *
 * Sallyport: what SAs have used, kept so that they survive the process.
 *
 * A number that is sent twice, or taken twice, undoes what sequence numbers are for, and with AES-GCM gives
 * packets away. So what a SAD's SAs have used is kept in two places. FOLDER/state is on disk: it reserves
 * numbers, bytes and packets ahead, and nothing past a reservation is used before it is on disk for good
 * (fsync). A file in memory (mapped, on a tmpfs) has the exact figures, written by the data path as it goes.
 * A process that was killed goes on from the exact figures, and without a gap. After a crash of the host the
 * exact figures are gone: each SA then goes on behind what was reserved for it, so a packet that was taken is
 * not taken again, but a peer's packets are refused until its numbers have passed the reservation.
 *
 * Neither file has keys in it, nor anything that keys could be made of. All calls: control thread only.
 */
#ifndef SALLYPORT_STATE_H
#define SALLYPORT_STATE_H

#include <sallyport/sa.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sp_state;

#define SP_STATE_REASON_BYTES 512

/* Opens the state in folder (made with mode 0700 when it isn't there; live_folder, on a tmpfs, must be) for a
 * SAD that is still empty and outlives it. From now on an SA that is added takes up where an SA of the same
 * SPI, addresses and keys was left, and is not used before the next sp_state_save. One process at a time.
 * SP_ERR_EXISTS (another one has it), SP_ERR_PARSE (a file of it is damaged, or another machine's or
 * version's: fail closed), SP_ERR_PERMISSION (folder or file are open to others), SP_ERR_IO, SP_ERR_MEMORY;
 * reason[SP_STATE_REASON_BYTES] gets one sentence that says what to do. */
SP_API enum sp_status sp_state_open(struct sp_sad *sad, const char *folder, const char *live_folder,
                                    struct sp_state **ret_state, char *reason) SP_MUST_USE;
/* How many SAs it knew when it was opened, and whether their exact figures were there. */
SP_API uint32_t sp_state_known(const struct sp_state *state);
SP_API bool sp_state_is_exact(const struct sp_state *state);

/* Reserves what the SAs may use next: after SAs were added, and some times a second. Writes only when a
 * reservation runs low. SP_ERR_IO (errno), SP_ERR_MEMORY: what was reserved before still holds, and an SA
 * that has used it up stops (SP_DROP_STATE_BEHIND). */
SP_API enum sp_status sp_state_save(struct sp_state *state) SP_MUST_USE;

/* No data path runs any more: writes the exact figures to disk, so that nothing is skipped next time, frees
 * and nulls. *state may be NULL. SP_ERR_IO: they are still in memory, as if the process had been killed. */
SP_API enum sp_status sp_state_close(struct sp_state **state) SP_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif
