/* SPDX-License-Identifier: ISC
 *
 * Files with keys in them: read into locked memory, from owners that are trusted only. */
#ifndef SP_POLICY_SECRET_FILE_H
#define SP_POLICY_SECRET_FILE_H

#include <sallyport/status.h>

#include <stdbool.h>
#include <sys/stat.h>

#define SP_SECRET_REASON_BYTES 256

struct sp_secret {
    char *bytes; /* of sodium_malloc, which wipes when it is freed */
    size_t len_bytes;
};

/* may_be_descriptor: path may also be "-", /dev/stdin or /dev/fd/N, an open descriptor of this process, which
 * may be a pipe. SP_ERR_IO, SP_ERR_PERMISSION with a sentence in reason[SP_SECRET_REASON_BYTES];
 * SP_ERR_MEMORY. Needs sodium_init(). */
enum sp_status sp_secret_read(const char *path, bool may_be_descriptor, size_t max_bytes,
                              struct sp_secret *ret_secret, char *reason) SP_MUST_USE;
/* The same of a regular file that is open, from its beginning; path is for the sentence. */
enum sp_status sp_secret_read_handed(int descriptor, const char *path, size_t max_bytes,
                                     struct sp_secret *ret_secret, char *reason) SP_MUST_USE;
/* The same for files that merely may have keys in them: anybody's, "-" being standard input. is_include: only
 * a regular file will do, so that nobody is made to wait. Tells whether others may read the file. SP_ERR_IO,
 * SP_ERR_MEMORY. */
enum sp_status sp_secret_read_open(const char *path, bool is_include, size_t max_bytes,
                                   struct sp_secret *ret_secret, bool *ret_is_open, char *reason) SP_MUST_USE;
/* Whether reader may trust and keep secret what is in such a file. The rule behind sp_secret_read, by itself.
 */
enum sp_status sp_secret_check(const struct stat *file, uid_t reader, bool is_descriptor, const char *path,
                               char *reason) SP_MUST_USE;
/* Wipes and frees; it may be all zeroes. */
void sp_secret_free(struct sp_secret *secret);

#endif
