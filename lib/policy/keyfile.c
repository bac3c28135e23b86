/* SPDX-License-Identifier: ISC */
#include <sallyport/sa.h>
enum sp_status sp_sad_load(struct sp_sad *sad, const char *path, struct sp_report *report)
{
    (void)sad;
    (void)path;
    (void)report;
    return SP_ERR_UNSUPPORTED;
}
