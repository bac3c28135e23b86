/* SPDX-License-Identifier: ISC
 *
 * SA files: sallyport.keys(5). All of a file's SAs or none, and never a key in a message.
 */
#include "fuzz.h"

#include <sallyport/sa.h>

#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sp_sad *sad; /* making one costs more than using it */
    struct sp_report *report;
    char path[32];
    const int descriptor = fuzz_file(data, size, path);
    FUZZ_HOLDS(sad != NULL || sp_sad_create(16, &sad) == SP_OK);
    FUZZ_HOLDS(sp_report_create(&report) == SP_OK);
    const enum sp_status status = sp_sad_load(sad, path, report);
    FUZZ_HOLDS((status == SP_OK) == (sp_report_errors(report) == 0));
    FUZZ_HOLDS(status == SP_OK || sp_sad_count(sad) == 0);
    for (uint32_t number = 0; number < sp_sad_capacity(sad); number++) {
        struct sp_sa_info info;
        if (sp_sad_get(sad, number, &info) != SP_OK)
            continue;
        FUZZ_HOLDS(info.spi >= SP_SPI_MIN && info.source.family == info.destination.family);
        FUZZ_HOLDS(sp_sad_remove(sad, number) == SP_OK);
    }
    FUZZ_HOLDS(sp_sad_count(sad) == 0);
    fuzz_finish_report(&report, true);
    (void)close(descriptor);
    return 0;
}
