/* SPDX-License-Identifier: ISC
 *
 * A thread as a reader of what the control thread publishes (SAs, policy snapshots).
 *
 * liburcu's QSBR knows each reading thread once, but one thread may own several contexts (an engine's worker
 * and an ESP context, say), so registration is counted per thread. A registered thread is offline, and holds
 * nobody up, except between sp_thread_online and sp_thread_offline: the length of one burst. That pair may be
 * nested.
 */
#ifndef SP_SA_THREAD_H
#define SP_SA_THREAD_H

/* Makes the calling thread a reader, as often as it calls. */
void sp_thread_register(void);
/* Undoes one sp_thread_register of the same thread. */
void sp_thread_unregister(void);

/* What is found from here on stays valid until the matching sp_thread_offline. No system call, unless the
 * control thread is waiting for this one. */
void sp_thread_online(void);
void sp_thread_offline(void);

#endif
