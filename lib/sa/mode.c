/* SPDX-License-Identifier: ISC
 *
 * What the modes and their choices are called, in the policy language and in SA files.
 */
#include <sallyport/sa.h>

const char *sp_mode_name(enum sp_mode mode)
{
    static const char *const names[SP_MODE_COUNT] = {
        [SP_MODE_TRANSPORT] = "transport",
        [SP_MODE_TUNNEL] = "tunnel",
    };

    return (unsigned)mode < SP_MODE_COUNT ? names[mode] : "?";
}

const char *sp_tunnel_df_name(enum sp_tunnel_df df)
{
    static const char *const names[SP_TUNNEL_DF_COUNT] = {
        [SP_TUNNEL_DF_COPY] = "copy",
        [SP_TUNNEL_DF_SET] = "set",
        [SP_TUNNEL_DF_CLEAR] = "clear",
    };

    return (unsigned)df < SP_TUNNEL_DF_COUNT ? names[df] : "?";
}
