/* SPDX-License-Identifier: ISC
 *
 * Registration of reading threads with liburcu's QSBR, counted per thread.
 *
 * QSBR is the cheapest kind of user-space RCU: reading costs nothing, and all that a burst pays is one store
 * and one fence when it begins and one when it ends (Desnoyers et al., "User-Level Implementations of
 * Read-Copy Update", 2012, section 5.1).
 */
#include "sa/thread.h"

#include "core/misuse.h"

#include <urcu-qsbr.h>

static _Thread_local unsigned registrations, online_depth;

void sp_thread_register(void)
{
    if (registrations++ > 0)
        return;
    rcu_register_thread();
    rcu_thread_offline(); /* registering leaves a thread online, and an idle one would hold up the writer */
}

void sp_thread_unregister(void)
{
    SP_REQUIRE(registrations > 0);
    if (--registrations > 0)
        return;
    SP_REQUIRE(online_depth == 0);
    rcu_unregister_thread();
}

void sp_thread_online(void)
{
    SP_REQUIRE(registrations > 0);
    if (online_depth++ == 0)
        rcu_thread_online();
}

void sp_thread_offline(void)
{
    SP_REQUIRE(online_depth > 0);
    if (--online_depth == 0)
        rcu_thread_offline();
}
