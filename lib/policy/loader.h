/* SPDX-License-Identifier: ISC
 *
 * Whole files into memory, policies only: SA files are read by secret_file.h. */
#ifndef SP_POLICY_LOADER_H
#define SP_POLICY_LOADER_H

#include <sallyport/status.h>

#include <stdbool.h>
#include <sys/types.h>

#define SP_POLICY_FILE_MAX_BYTES ((size_t)16 << 20)

struct sp_loaded {
    char *bytes; /* free() it */
    size_t len_bytes;
    dev_t device;
    ino_t inode;
};

/* path "-" is standard input. is_include: only a regular file will do, so that no policy makes its reader
 * wait. SP_ERR_IO with a sentence in reason[256]; SP_ERR_MEMORY. */
enum sp_status sp_loader_read(const char *path, bool is_include, struct sp_loaded *ret_loaded,
                              char *reason) SP_MUST_USE;

#endif
