/* SPDX-License-Identifier: ISC */
#include <sallyport/sa.h>
enum sp_status sp_keys_export_wireshark(const char *path, FILE *out, struct sp_report *report)
{
    (void)path;
    (void)out;
    (void)report;
    return SP_ERR_UNSUPPORTED;
}
