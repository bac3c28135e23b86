/* SPDX-License-Identifier: ISC
 *
 * The two files of a state (sallyport/state.h) and what is in them.
 */
#ifndef SP_SA_STATE_FILE_H
#define SP_SA_STATE_FILE_H

#include "sa/sad.h"

#include <sallyport/state.h>

#define SP_STATE_ID_BYTES 16

/* Of one SA, on disk. Known again by its fingerprint, SPI and addresses. */
struct sp_state_record {
    char fingerprint[16]; /* no NUL behind it; all zero: an empty place */
    uint32_t spi, family;
    uint8_t source[16], destination[16];
    uint64_t iv_start;
    uint64_t sent, received, bytes, packets; /* reserved up to here */
    uint64_t age_seconds;                    /* when this was written */
    int64_t born_seconds;                    /* CLOCK_REALTIME */
};

/* In shared memory; place n is record n's. */
struct sp_state_live {
    uint8_t magic[16], id[SP_STATE_ID_BYTES];
    uint8_t boot_id[36];
    uint32_t capacity;
    uint64_t spare;
    _Alignas(64) struct sp_sa_live places[];
};

struct sp_state_files {
    int folder_fd, lock_fd;
    char path[256], live_path[320];
    uint8_t id[SP_STATE_ID_BYTES];
    struct sp_state_live *live;
    size_t live_bytes;
};

/* Opens and locks the folder. */
enum sp_status sp_state_files_open(struct sp_state_files *files, const char *folder, const char *live_folder,
                                   char *reason) SP_MUST_USE;
void sp_state_files_close(struct sp_state_files *files);

/* What is on disk: a malloced array, or NULL and 0 when there is no file yet. *ret_is_exact: it was written
 * at an end in order, so the records are what was used rather than what was reserved. */
enum sp_status sp_state_read(struct sp_state_files *files, struct sp_state_record **ret_records,
                             uint32_t *ret_count, bool *ret_is_exact, char *reason) SP_MUST_USE;
/* Puts it in the place of what is there, in one step, and returns when it is on disk. SP_ERR_IO (errno). */
enum sp_status sp_state_write(const struct sp_state_files *files, const struct sp_state_record *records,
                              uint32_t count, bool is_exact) SP_MUST_USE;

/* The exact figures of an earlier process that didn't end in order, count of them; *ret_is_there is false
 * when there are none: it ended well, or the host has started anew since. */
enum sp_status sp_state_live_read(const struct sp_state_files *files, struct sp_sa_live *places,
                                  uint32_t count, bool *ret_is_there, char *reason) SP_MUST_USE;
/* Makes the mapping, in the place of any former one, with these figures in its first places. */
enum sp_status sp_state_live_make(struct sp_state_files *files, const struct sp_sa_live *places,
                                  uint32_t count, uint32_t capacity, char *reason) SP_MUST_USE;
/* An end in order: what is on disk is exact. */
void sp_state_live_remove(const struct sp_state_files *files);

#endif
