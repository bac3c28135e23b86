/* SPDX-License-Identifier: ISC
 *
 * The state: opened before any SA is there, so that none is used without it.
 */
#include "log.h"
#include "state.h"

#include <sys/stat.h>

bool state_open(struct daemon *daemon)
{
    char reason[SP_STATE_REASON_BYTES];
    const char *folder = daemon->options.state_folder;
    if (!folder)
        return true;
    (void)mkdir(HOST_RUN_FOLDER, 0755);
    if (sp_state_open(daemon->sad, folder, HOST_RUN_FOLDER, &daemon->state, reason) != SP_OK) {
        log_line("%s", reason);
        return false;
    }
    if (sp_state_known(daemon->state) == 0)
        log_line("what SAs use is kept in %s", folder);
    else if (sp_state_is_exact(daemon->state))
        log_line("%s knows %u SAs: they go on where they were", folder, sp_state_known(daemon->state));
    else
        log_line("%s knows %u SAs, but not how far they were: they go on behind what was reserved, and a "
                 "peer's packets are refused until its numbers are there; better give both new keys",
                 folder, sp_state_known(daemon->state));
    return true;
}

/* Said once: the SAs that run out meanwhile tell by their drops. */
bool state_save(struct daemon *daemon)
{
    if (!daemon->state)
        return true;
    if (sp_state_save(daemon->state) == SP_OK) {
        if (daemon->is_state_failing)
            log_line("the state in %s is written again", daemon->options.state_folder);
        daemon->is_state_failing = false;
        return true;
    }
    if (!daemon->is_state_failing)
        log_errno("the state in %s can't be written, and SAs stop when what is reserved is used up",
                  daemon->options.state_folder);
    daemon->is_state_failing = true;
    return false;
}

void state_close(struct daemon *daemon)
{
    if (sp_state_close(&daemon->state) != SP_OK)
        log_errno("the state in %s can't be written: it is kept in memory until the host stops",
                  daemon->options.state_folder);
}
