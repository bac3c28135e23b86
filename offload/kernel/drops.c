/* SPDX-License-Identifier: ISC
 *
 * /proc/net/xfrm_stat in words. Its counters are of the network namespace, whoever's SA or policy it was.
 */
#include "kernel/view.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *text;
} meanings[] = {
    {"XfrmInError", "came in and could not be processed"},
    {"XfrmInBufferError", "came in when there was no memory for it"},
    {"XfrmInHdrError", "came in with a header that is broken"},
    {"XfrmInNoStates", "came in under ESP with an SPI that no SA has"},
    {"XfrmInStateProtoError", "came in under ESP with a wrong ICV, or broken inside"},
    {"XfrmInStateModeError", "came in under an SA of another mode"},
    {"XfrmInStateSeqError", "came in again, or too late for the replay window"},
    {"XfrmInStateExpired", "came in under an SA whose lifetime is spent"},
    {"XfrmInStateMismatch",
     "came in under an SA that is not for such packets, or not for such encapsulation"},
    {"XfrmInStateInvalid", "came in under an SA that is not in force"},
    {"XfrmInTmplMismatch", "came in clear, or under another SA than the policy wants"},
    {"XfrmInNoPols", "came in under an SA, but no policy is about it"},
    {"XfrmInPolBlock", "came in and a policy, or the default, blocks it"},
    {"XfrmInPolError", "came in and its policy could not be found out"},
    {"XfrmInStateDirError", "came in under an SA that is for packets going out"},
    {"XfrmInIptfsError", "came in under IP-TFS, broken inside"},
    {"XfrmOutError", "was to go out and could not be processed"},
    {"XfrmOutBundleGenError", "was to go out, and the way through its SAs could not be made"},
    {"XfrmOutBundleCheckError", "was to go out, and the way through its SAs is no longer good"},
    {"XfrmOutNoStates", "was to go out under ESP, and there is no SA for it"},
    {"XfrmOutStateProtoError", "was to go out, and its SA could not seal it"},
    {"XfrmOutStateModeError", "was to go out under an SA of another mode, or too large for it"},
    {"XfrmOutStateSeqError", "was to go out, and its SA has no sequence number left"},
    {"XfrmOutStateExpired", "was to go out, and the lifetime of its SA is spent"},
    {"XfrmOutPolBlock", "was to go out and a policy, or the default, blocks it"},
    {"XfrmOutPolDead", "was to go out, and its policy was just taken away"},
    {"XfrmOutPolError", "was to go out and its policy could not be found out"},
    {"XfrmOutStateInvalid", "was to go out, and its SA is not in force"},
    {"XfrmOutStateDirError", "was to go out under an SA that is for packets coming in"},
    {"XfrmOutNoQueueSpace", "was to go out, and its SA's queue is full"},
    {"XfrmFwdHdrError", "was to be passed on, with a header that is broken"},
    {"XfrmAcquireError", "not a packet: nobody could be asked for an SA"},
};

static const char *meaning_of(const char *name)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(meanings[i].name, name) == 0)
            return meanings[i].text;
    return "of a kernel newer than this program";
}

void sp_kernel_view_drops(FILE *in, void (*on_drop)(const struct sp_offload_drop *drop, void *context),
                          void *context)
{
    char line[128], name[64];
    uint64_t packets;

    while (fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "%63s %" SCNu64, name, &packets) != 2)
            continue;
        const struct sp_offload_drop drop = {.name = name, .text = meaning_of(name), .packets = packets};
        on_drop(&drop, context);
    }
}
