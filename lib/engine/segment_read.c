/* SPDX-License-Identifier: ISC
 *
 * The statistics segment, read (sallyport/segment.h tells the layout). Nothing in the file is believed: a
 * copy counts only when every table lies within the file.
 */
#include "core/misuse.h"

#include <sallyport/segment.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A writing takes far less than a second, so a writer that is at it all the time is broken or dead. */
#define TRIES 1000
#define PAUSE_NS 1000000

struct sp_stats_reader {
    char *path;
    const uint8_t *memory; /* the file, mapped */
    size_t memory_bytes;
    uint8_t *copy; /* of the whole file, consistent */
    size_t copy_bytes;
};

static const size_t entry_least_bytes[SP_SEGMENT_TABLES] = {
    [SP_SEGMENT_TOTALS] = sizeof(struct sp_segment_totals),
    [SP_SEGMENT_REASON] = sizeof(struct sp_segment_reason),
    [SP_SEGMENT_RULES] = sizeof(struct sp_segment_rule),
    [SP_SEGMENT_SAS] = sizeof(struct sp_segment_sa),
};

static bool is_table_sound(const struct sp_segment_table *table, size_t least_bytes, size_t file_bytes)
{
    return table->offset_bytes % 8 == 0 && table->entry_bytes % 8 == 0 && table->entry_bytes >= least_bytes &&
           table->count <= table->room && table->offset_bytes <= file_bytes &&
           (uint64_t)table->room * table->entry_bytes <= file_bytes - table->offset_bytes;
}

static bool is_sound(const uint8_t *copy, size_t file_bytes)
{
    const struct sp_segment_header *header = (const struct sp_segment_header *)copy;
    if (memcmp(header->magic, SP_SEGMENT_MAGIC, sizeof header->magic) != 0 ||
        header->version != SP_SEGMENT_VERSION)
        return false;
    for (int id = 0; id < SP_SEGMENT_TABLES; id++)
        if (!is_table_sound(&header->tables[id], entry_least_bytes[id], file_bytes))
            return false;
    return header->tables[SP_SEGMENT_TOTALS].count == 1;
}

/* Maps the file that path leads to now. */
static enum sp_status map_file(const char *path, const uint8_t **ret_memory, size_t *ret_bytes)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat file;
    if (fd < 0)
        return SP_ERR_SYSTEM;
    enum sp_status status = fstat(fd, &file) == 0 ? SP_OK : SP_ERR_SYSTEM;
    if (status == SP_OK && (!S_ISREG(file.st_mode) || file.st_size < (off_t)sizeof(struct sp_segment_header)))
        status = SP_ERR_UNSUPPORTED;
    if (status == SP_OK) {
        const void *memory = mmap(NULL, (size_t)file.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
            status = SP_ERR_SYSTEM;
        else
            *ret_memory = memory;
        *ret_bytes = (size_t)file.st_size;
    }
    const int error = errno;
    close(fd);
    errno = error;
    return status;
}

/* False: it was being written meanwhile. */
static bool copy_once(const uint8_t *memory, size_t len_bytes, uint8_t *copy)
{
    const struct sp_segment_header *header = (const struct sp_segment_header *)memory;
    const uint64_t before = __atomic_load_n(&header->sequence, __ATOMIC_ACQUIRE);
    if (before & 1)
        return false;
    memcpy(copy, memory, len_bytes);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return __atomic_load_n(&header->sequence, __ATOMIC_RELAXED) == before;
}

static enum sp_status copy_consistently(const uint8_t *memory, size_t len_bytes, uint8_t *copy)
{
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    for (int i = 0; i < TRIES; i++) {
        if (copy_once(memory, len_bytes, copy))
            return is_sound(copy, len_bytes) ? SP_OK : SP_ERR_UNSUPPORTED;
        nanosleep(&pause, NULL);
    }
    return SP_ERR_LIMIT;
}

/* Takes a copy into new memory, so that a failure leaves the former one. */
static enum sp_status take_copy(struct sp_stats_reader *reader, const uint8_t *memory, size_t len_bytes)
{
    uint8_t *copy = malloc(len_bytes);
    if (!copy)
        return SP_ERR_MEMORY;
    const enum sp_status status = copy_consistently(memory, len_bytes, copy);
    if (status != SP_OK) {
        free(copy);
        return status;
    }
    free(reader->copy);
    reader->copy = copy;
    reader->copy_bytes = len_bytes;
    return SP_OK;
}

static enum sp_status open_file(struct sp_stats_reader *reader)
{
    const uint8_t *memory = NULL;
    size_t len_bytes = 0;
    enum sp_status status = map_file(reader->path, &memory, &len_bytes);
    if (status == SP_OK)
        status = take_copy(reader, memory, len_bytes);
    if (status != SP_OK) {
        if (memory)
            munmap((void *)(uintptr_t)memory, len_bytes);
        return status;
    }
    if (reader->memory)
        munmap((void *)(uintptr_t)reader->memory, reader->memory_bytes);
    reader->memory = memory;
    reader->memory_bytes = len_bytes;
    return SP_OK;
}

enum sp_status sp_stats_open(const char *path, struct sp_stats_reader **ret_reader)
{
    SP_REQUIRE(path && ret_reader);
    struct sp_stats_reader *reader = calloc(1, sizeof *reader);
    char *copy = strdup(path);
    enum sp_status status = SP_ERR_MEMORY;
    if (reader && copy) {
        reader->path = copy;
        status = open_file(reader);
    }
    if (status == SP_OK) {
        *ret_reader = reader;
        return SP_OK;
    }
    free(copy);
    free(reader);
    return status;
}

enum sp_status sp_stats_refresh(struct sp_stats_reader *reader)
{
    SP_REQUIRE(reader);
    const struct sp_segment_header *header = (const struct sp_segment_header *)reader->memory;
    if (__atomic_load_n(&header->flags, __ATOMIC_ACQUIRE) & SP_SEGMENT_REPLACED)
        return open_file(reader);
    return take_copy(reader, reader->memory, reader->memory_bytes);
}

const struct sp_segment_header *sp_stats_header(const struct sp_stats_reader *reader)
{
    SP_REQUIRE(reader);
    return (const struct sp_segment_header *)reader->copy;
}

uint32_t sp_stats_count(const struct sp_stats_reader *reader, enum sp_segment_table_id table)
{
    SP_REQUIRE((unsigned)table < SP_SEGMENT_TABLES);
    return sp_stats_header(reader)->tables[table].count;
}

const void *sp_stats_entry(const struct sp_stats_reader *reader, enum sp_segment_table_id table,
                           uint32_t index)
{
    if (index >= sp_stats_count(reader, table))
        return NULL;
    const struct sp_segment_table *where = &sp_stats_header(reader)->tables[table];
    return reader->copy + where->offset_bytes + (size_t)index * where->entry_bytes;
}

void sp_stats_close(struct sp_stats_reader **reader)
{
    if (!*reader)
        return;
    munmap((void *)(uintptr_t)(*reader)->memory, (*reader)->memory_bytes);
    free((*reader)->copy);
    free((*reader)->path);
    free(*reader);
    *reader = NULL;
}
