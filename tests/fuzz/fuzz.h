/* SPDX-License-Identifier: ISC
 *
 * A fuzz target: one file, one function in libFuzzer's form, which gets any bytes at all and aborts when what
 * the library makes of them isn't what its headers promise. The same file is linked with libFuzzer, which
 * looks for such bytes, and with replay.c, which feeds the corpus to it in each run of the tests.
 */
#ifndef SP_TESTS_FUZZ_H
#define SP_TESTS_FUZZ_H

#include <sallyport/status.h>

#include <stdbool.h>
#include <stdlib.h>

/* 0; never another value. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the bytes may not break. Also in builds without asserts. */
#define FUZZ_HOLDS(condition)                                                                                \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                   \
            abort();                                                                                         \
        }                                                                                                    \
    } while (0)

/* Text for people can't steer a terminal: no control characters but tabs and ends of lines. */
void fuzz_expect_printable(const char *text, size_t len_bytes);

/* Prints a report, which must be printable, and destroys it. is_secret: of an SA file, so there must be no
 * long run of hex digits in it. */
void fuzz_finish_report(struct sp_report **report, bool is_secret);

/* A file in memory with these bytes, mode 0600; path[32] becomes its name. Returns the descriptor to close.
 */
int fuzz_file(const uint8_t *data, size_t size, char *path);

#endif
