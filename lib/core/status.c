/* SPDX-License-Identifier: ISC
 *
 * What the library says of itself: the names of its answers, and its version.
 */
#include "core/config.h"

#include <sallyport/status.h>

const char *sp_status_text(enum sp_status status)
{
    switch (status) {
    case SP_OK:
        return "success";
    case SP_ERR_MEMORY:
        return "out of memory";
    case SP_ERR_INVALID:
        return "invalid argument";
    case SP_ERR_PARSE:
        return "syntax error";
    case SP_ERR_IO:
        return "input or output error";
    case SP_ERR_PERMISSION:
        return "permission denied";
    case SP_ERR_WEAK_KEY:
        return "weak key";
    case SP_ERR_KEY_LENGTH:
        return "wrong key length";
    case SP_ERR_SPI:
        return "reserved SPI";
    case SP_ERR_EXISTS:
        return "exists already";
    case SP_ERR_NOT_FOUND:
        return "not found";
    case SP_ERR_LIMIT:
        return "limit reached";
    case SP_ERR_UNSUPPORTED:
        return "not supported";
    case SP_ERR_SYSTEM:
        return "refused by the operating system";
    }
    return "unknown status";
}

const char *sp_version(void)
{
    return SP_VERSION;
}
