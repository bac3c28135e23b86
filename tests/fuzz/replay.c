/* SPDX-License-Identifier: ISC
 *
 * fuzz-replay-TARGET FILE...: gives each file to the target, once. It needs no libFuzzer, so that any
 * compiler's sanitizers can watch; a file that isn't survived is the last one named on standard error.
 */
#include "fuzz.h"

static void replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    FUZZ_HOLDS(file != NULL && fseek(file, 0, SEEK_END) == 0);
    const long size = ftell(file);
    FUZZ_HOLDS(size >= 0);
    rewind(file);
    /* of exactly that size, so that a read behind the end is seen */
    uint8_t *bytes = malloc(size > 0 ? (size_t)size : 1);
    FUZZ_HOLDS(bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size);
    (void)fclose(file);
    fprintf(stderr, "%s\n", path);
    FUZZ_HOLDS(LLVMFuzzerTestOneInput(bytes, (size_t)size) == 0);
    free(bytes);
}

int main(int count, char **arguments)
{
    for (int i = 1; i < count; i++)
        replay(arguments[i]);
    return 0;
}
