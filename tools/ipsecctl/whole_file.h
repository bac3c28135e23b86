/* SPDX-License-Identifier: ISC
 *
 * A file that appears when it is whole: written under a temporary name beside its own, which a failure or a
 * signal removes. A file that was there before stays until then.
 */
#ifndef IPSECCTL_WHOLE_FILE_H
#define IPSECCTL_WHOLE_FILE_H

#include <stdio.h>

struct whole_file {
    FILE *stream;
    char *target;    /* links resolved */
    char *temporary; /* NULL: written directly (standard output, a device, a pipe), or final already */
};

/* Opens path for writing, "-": standard output. 0 or an errno value. One file at a time. */
int whole_file_open(const char *path, struct whole_file *ret_file);
/* Gives it its name; the stream stays open. 0 or an errno value: then it is still to be abandoned. */
int whole_file_keep(struct whole_file *file);
/* Removes what was not kept. The stream is the caller's to close. */
void whole_file_abandon(struct whole_file *file);

#endif
