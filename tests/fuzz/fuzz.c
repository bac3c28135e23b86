/* SPDX-License-Identifier: ISC
 *
 * What targets share.
 */
#include "fuzz.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_DIGITS 16 /* of a DES key, the shortest that there is */

static bool is_hex(char byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

static size_t longest_hex_run(const char *text)
{
    size_t longest = 0, run = 0;
    for (; *text != '\0'; text++) {
        run = is_hex(*text) ? run + 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

void fuzz_expect_printable(const char *text, size_t len_bytes)
{
    FUZZ_HOLDS(strlen(text) == len_bytes);
    for (size_t i = 0; i < len_bytes; i++) {
        const unsigned char byte = (unsigned char)text[i];
        FUZZ_HOLDS(byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7f));
    }
}

void fuzz_finish_report(struct sp_report **report, bool is_secret)
{
    char *text = NULL;
    size_t len_bytes = 0;
    FILE *out = open_memstream(&text, &len_bytes);
    FUZZ_HOLDS(out != NULL);
    sp_report_print(*report, out);
    FUZZ_HOLDS(fclose(out) == 0);
    fuzz_expect_printable(text, len_bytes);
    FUZZ_HOLDS(!is_secret || longest_hex_run(text) < KEY_DIGITS);
    for (size_t i = 0; i < sp_report_count(*report); i++)
        FUZZ_HOLDS(sp_report_get(*report, i)->text[0] != '\0');
    free(text);
    sp_report_destroy(report);
}

int fuzz_file(const uint8_t *data, size_t size, char *path)
{
    const int descriptor = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_HOLDS(descriptor >= 0 && fchmod(descriptor, 0600) == 0);
    FUZZ_HOLDS(write(descriptor, data, size) == (ssize_t)size && lseek(descriptor, 0, SEEK_SET) == 0);
    snprintf(path, 32, "/dev/fd/%d", descriptor);
    return descriptor;
}
