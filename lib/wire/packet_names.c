/* SPDX-License-Identifier: ISC
 *
 * Names of what became of a packet, from the one list in packet.h.
 */
#include <sallyport/packet.h>

const char *sp_drop_id(enum sp_drop reason)
{
    switch (reason) {
#define X(name, id, explanation)                                                                             \
    case SP_DROP_##name:                                                                                     \
        return id;
        SP_DROP_REASONS(X)
#undef X
    case SP_DROP_COUNT:
        break;
    }
    return "?";
}

const char *sp_drop_text(enum sp_drop reason)
{
    switch (reason) {
#define X(name, id, explanation)                                                                             \
    case SP_DROP_##name:                                                                                     \
        return explanation;
        SP_DROP_REASONS(X)
#undef X
    case SP_DROP_COUNT:
        break;
    }
    return "?";
}

const char *sp_verdict_id(enum sp_verdict verdict)
{
    switch (verdict) {
    case SP_VERDICT_NONE:
        return "none";
    case SP_VERDICT_BYPASS:
        return "bypass";
    case SP_VERDICT_SEALED:
        return "sealed";
    case SP_VERDICT_OPENED:
        return "opened";
    case SP_VERDICT_DROP:
        return "drop";
    }
    return "?";
}
