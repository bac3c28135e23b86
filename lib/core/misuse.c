/* SPDX-License-Identifier: ISC
 *
 * Misuse: going on after a broken promise could send a secret in clear text, so the process ends.
 */
#include "core/misuse.h"

#include <stdio.h>
#include <stdlib.h>

static void print_misuse(const char *what)
{
    (void)fprintf(stderr, "%s\n", what);
}

static sp_misuse_handler *current_handler = print_misuse;

void sp_set_misuse_handler(sp_misuse_handler *handler)
{
    current_handler = handler != NULL ? handler : print_misuse;
}

_Noreturn void sp_misuse(const char *what)
{
    current_handler(what);
    abort();
}
