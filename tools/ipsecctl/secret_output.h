/* SPDX-License-Identifier: ISC
 *
 * A new file for keys: its owner's alone from the first byte on, never over another one.
 */
#ifndef IPSECCTL_SECRET_OUTPUT_H
#define IPSECCTL_SECRET_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

/* Everything to the descriptor with write(2), not stdio, whose buffer nobody wipes. False: errno tells why.
 */
bool secret_write(int fd, const char *bytes, size_t len_bytes);
/* Makes path, which must not exist, with mode 0600, of these parts. An exit code; complaints are printed, and
 * nothing is left behind. */
int secret_file_make(const char *path, const struct iovec *parts, size_t count);

#endif
