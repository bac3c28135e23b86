/* SPDX-License-Identifier: ISC
 *
 * Reading and writing the files of a state.
 *
 * What is on disk is replaced whole: written beside, synced, renamed, and the folder synced, so that after
 * any crash there is the former file or the new one (POSIX rename; fsync of the folder makes it last). A
 * checksum finds what a bad disk or an editor did; it isn't there to find an attacker, who would have to be
 * root.
 */
#include "sa/state_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_NAME "state"
#define NEW_NAME "state.new"
#define LOCK_NAME "lock"
#define VERSION 1u
#define RECORDS_MAX 4000000u

struct header {
    uint8_t magic[16];
    uint32_t version, record_bytes, count, is_exact;
    uint8_t id[SP_STATE_ID_BYTES], machine[16];
};

static const uint8_t disk_magic[16] = "sallyport state", live_magic[16] = "sallyport live1";

__attribute__((format(printf, 3, 4))) static enum sp_status refuse(enum sp_status status, char *reason,
                                                                   const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, SP_STATE_REASON_BYTES, format, arguments);
    va_end(arguments);
    return status;
}

/* A hash, as machine-id(5) asks programs to keep the number itself to themselves; zeros where there is none.
 */
static void read_machine(uint8_t machine[16])
{
    uint8_t text[64];
    memset(machine, 0, 16);
    int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text, sizeof text);
    close(fd);
    if (got > 0)
        crypto_generichash(machine, 16, text, (size_t)got, disk_magic, sizeof disk_magic);
}

static void read_boot(uint8_t boot_id[36])
{
    memset(boot_id, 0, 36);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (read(fd, boot_id, 36) != 36)
        memset(boot_id, 0, 36);
    close(fd);
}

/* ---- the folder ---------------------------------------------------------------------------------------- */

static enum sp_status check_owner(int fd, const char *what, char *reason)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return refuse(SP_ERR_IO, reason, "%s can't be looked at: %s", what, strerror(errno));
    if (status.st_uid != geteuid() || (status.st_mode & 077) != 0)
        return refuse(SP_ERR_PERMISSION, reason,
                      "%s must belong to you and be open to nobody else: chown it, and chmod go= it", what);
    return SP_OK;
}

static enum sp_status lock(struct sp_state_files *files, const char *folder, char *reason)
{
    files->lock_fd = openat(files->folder_fd, LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (files->lock_fd < 0)
        return refuse(SP_ERR_IO, reason, "%.200s/" LOCK_NAME " can't be made: %s", folder, strerror(errno));
    if (flock(files->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return SP_OK;
    return refuse(SP_ERR_EXISTS, reason,
                  "another process uses the state in %.200s: end it, or name another folder", folder);
}

enum sp_status sp_state_files_open(struct sp_state_files *files, const char *folder, const char *live_folder,
                                   char *reason)
{
    struct stat status;
    *files = (struct sp_state_files){.folder_fd = -1, .lock_fd = -1};
    if (strlen(folder) + sizeof "/" FILE_NAME > sizeof files->path || strlen(live_folder) > 200)
        return refuse(SP_ERR_IO, reason, "the path of the state's folder is too long");
    (void)snprintf(files->path, sizeof files->path, "%s/" FILE_NAME, folder);
    (void)mkdir(folder, 0700);
    files->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (files->folder_fd < 0 || fstat(files->folder_fd, &status) != 0)
        return refuse(SP_ERR_IO, reason, "the state's folder %.200s can't be opened: %s", folder,
                      strerror(errno));
    (void)snprintf(files->live_path, sizeof files->live_path, "%s/state-%llx-%llx", live_folder,
                   (unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
    enum sp_status result = check_owner(files->folder_fd, folder, reason);
    return result == SP_OK ? lock(files, folder, reason) : result;
}

void sp_state_files_close(struct sp_state_files *files)
{
    if (files->live != NULL)
        munmap(files->live, files->live_bytes);
    if (files->lock_fd >= 0)
        close(files->lock_fd);
    if (files->folder_fd >= 0)
        close(files->folder_fd);
    *files = (struct sp_state_files){.folder_fd = -1, .lock_fd = -1};
}

/* ---- on disk ------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const uint8_t *bytes, size_t len_bytes)
{
    while (len_bytes > 0) {
        ssize_t written = write(fd, bytes, len_bytes);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        len_bytes -= (size_t)written;
    }
    return true;
}

static bool put_file(int folder_fd, const uint8_t *bytes, size_t len_bytes)
{
    int fd = openat(folder_fd, NEW_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool is_there = write_all(fd, bytes, len_bytes) && fsync(fd) == 0;
    is_there = close(fd) == 0 && is_there;
    return is_there && renameat(folder_fd, NEW_NAME, folder_fd, FILE_NAME) == 0 && fsync(folder_fd) == 0;
}

enum sp_status sp_state_write(const struct sp_state_files *files, const struct sp_state_record *records,
                              uint32_t count, bool is_exact)
{
    const size_t body_bytes = count * sizeof *records;
    const size_t hashed_bytes = sizeof(struct header) + body_bytes;
    struct header header = {
        .version = VERSION, .record_bytes = sizeof *records, .count = count, .is_exact = is_exact};
    uint8_t *bytes = malloc(hashed_bytes + crypto_generichash_BYTES);
    if (bytes == NULL)
        return SP_ERR_MEMORY;
    memcpy(header.magic, disk_magic, sizeof header.magic);
    memcpy(header.id, files->id, sizeof header.id);
    read_machine(header.machine);
    memcpy(bytes, &header, sizeof header);
    if (count > 0)
        memcpy(bytes + sizeof header, records, body_bytes);
    crypto_generichash(bytes + hashed_bytes, crypto_generichash_BYTES, bytes, hashed_bytes, NULL, 0);
    bool is_written = put_file(files->folder_fd, bytes, hashed_bytes + crypto_generichash_BYTES);
    free(bytes);
    return is_written ? SP_OK : SP_ERR_IO;
}

#define WHAT_TO_DO "no SA can go on from it. Make new keys for all SAs (ipsecctl keygen), and then remove it"

static enum sp_status judge(const struct sp_state_files *files, const struct header *header,
                            const uint8_t *bytes, size_t len_bytes, char *reason)
{
    uint8_t machine[16], hash[crypto_generichash_BYTES];
    if (len_bytes < sizeof *header || memcmp(header->magic, disk_magic, sizeof disk_magic) != 0)
        return refuse(SP_ERR_PARSE, reason, "%s is not a state file: " WHAT_TO_DO, files->path);
    if (header->version != VERSION || header->record_bytes != sizeof(struct sp_state_record))
        return refuse(SP_ERR_PARSE, reason, "%s is of another version (%u): " WHAT_TO_DO, files->path,
                      header->version);
    if (header->count > RECORDS_MAX ||
        len_bytes != sizeof *header + header->count * sizeof(struct sp_state_record) + sizeof hash)
        return refuse(SP_ERR_PARSE, reason, "%s is cut off or too long: " WHAT_TO_DO, files->path);
    crypto_generichash(hash, sizeof hash, bytes, len_bytes - sizeof hash, NULL, 0);
    if (memcmp(hash, bytes + len_bytes - sizeof hash, sizeof hash) != 0)
        return refuse(SP_ERR_PARSE, reason, "%s is damaged: " WHAT_TO_DO, files->path);
    read_machine(machine);
    if (memcmp(machine, header->machine, sizeof machine) != 0)
        return refuse(SP_ERR_PARSE, reason, "%s was written on another machine: " WHAT_TO_DO, files->path);
    return SP_OK;
}

static enum sp_status read_whole(int fd, const char *path, uint8_t **ret_bytes, size_t *ret_len_bytes,
                                 char *reason)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < 0 ||
        (uint64_t)status.st_size > (uint64_t)RECORDS_MAX * 256)
        return refuse(SP_ERR_PARSE, reason, "%s is not a state file: " WHAT_TO_DO, path);
    size_t len_bytes = (size_t)status.st_size, got = 0;
    uint8_t *bytes = malloc(len_bytes + 1);
    if (bytes == NULL)
        return refuse(SP_ERR_MEMORY, reason, "no memory for %s", path);
    while (got < len_bytes) {
        ssize_t part = read(fd, bytes + got, len_bytes - got);
        if (part <= 0) {
            free(bytes);
            return refuse(SP_ERR_IO, reason, "%s can't be read: %s", path,
                          part < 0 ? strerror(errno) : "it ends too early");
        }
        got += (size_t)part;
    }
    *ret_bytes = bytes;
    *ret_len_bytes = len_bytes;
    return SP_OK;
}

enum sp_status sp_state_read(struct sp_state_files *files, struct sp_state_record **ret_records,
                             uint32_t *ret_count, bool *ret_is_exact, char *reason)
{
    uint8_t *bytes = NULL;
    size_t len_bytes = 0;
    struct header header = {0};
    *ret_records = NULL;
    *ret_count = 0;
    *ret_is_exact = false;
    int fd = openat(files->folder_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT) {
        randombytes_buf(files->id, sizeof files->id);
        return SP_OK;
    }
    if (fd < 0)
        return refuse(SP_ERR_IO, reason, "%s can't be opened: %s", files->path, strerror(errno));
    enum sp_status status = check_owner(fd, files->path, reason);
    if (status == SP_OK)
        status = read_whole(fd, files->path, &bytes, &len_bytes, reason);
    close(fd);
    if (status != SP_OK)
        return status;
    memcpy(&header, bytes, len_bytes < sizeof header ? len_bytes : sizeof header);
    status = judge(files, &header, bytes, len_bytes, reason);
    if (status == SP_OK) {
        memcpy(files->id, header.id, sizeof files->id);
        *ret_records = malloc(header.count * sizeof **ret_records + 1);
        status = *ret_records != NULL ? SP_OK : refuse(SP_ERR_MEMORY, reason, "no memory for the state");
    }
    if (status == SP_OK) {
        memcpy(*ret_records, bytes + sizeof header, header.count * sizeof **ret_records);
        *ret_count = header.count;
        *ret_is_exact = header.is_exact != 0;
    }
    free(bytes);
    return status;
}

/* ---- in memory ----------------------------------------------------------------------------------------- */

static size_t live_bytes_of(uint32_t capacity)
{
    return sizeof(struct sp_state_live) + capacity * sizeof(struct sp_sa_live);
}

static enum sp_status judge_live(const struct sp_state_files *files, const uint8_t *bytes, size_t len_bytes,
                                 uint32_t count, bool *ret_is_there, char *reason)
{
    struct sp_state_live head;
    uint8_t boot_id[sizeof head.boot_id];
    if (len_bytes < sizeof head)
        return refuse(SP_ERR_PARSE, reason, "%s is cut off: " WHAT_TO_DO ", and %s", files->live_path,
                      files->path);
    memcpy(&head, bytes, sizeof head);
    read_boot(boot_id);
    if (memcmp(head.magic, live_magic, sizeof live_magic) != 0 || head.capacity < count ||
        len_bytes != live_bytes_of(head.capacity))
        return refuse(SP_ERR_PARSE, reason, "%s is damaged: " WHAT_TO_DO ", and %s", files->live_path,
                      files->path);
    if (memcmp(head.boot_id, boot_id, sizeof boot_id) != 0)
        return SP_OK; /* of before a crash of the host: what it had last may not have reached the disk */
    if (memcmp(head.id, files->id, sizeof files->id) != 0)
        return refuse(SP_ERR_PARSE, reason, "%s belongs to another state than %s: " WHAT_TO_DO ", and that",
                      files->live_path, files->path);
    *ret_is_there = true;
    return SP_OK;
}

enum sp_status sp_state_live_read(const struct sp_state_files *files, struct sp_sa_live *places,
                                  uint32_t count, bool *ret_is_there, char *reason)
{
    uint8_t *bytes = NULL;
    size_t len_bytes = 0;
    *ret_is_there = false;
    int fd = open(files->live_path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return SP_OK;
    if (fd < 0)
        return refuse(SP_ERR_IO, reason, "%s can't be opened: %s", files->live_path, strerror(errno));
    enum sp_status status = check_owner(fd, files->live_path, reason);
    if (status == SP_OK)
        status = read_whole(fd, files->live_path, &bytes, &len_bytes, reason);
    close(fd);
    if (status == SP_OK)
        status = judge_live(files, bytes, len_bytes, count, ret_is_there, reason);
    if (status == SP_OK && *ret_is_there)
        memcpy(places, bytes + sizeof(struct sp_state_live), count * sizeof *places);
    free(bytes);
    return status;
}

enum sp_status sp_state_live_make(struct sp_state_files *files, const struct sp_sa_live *places,
                                  uint32_t count, uint32_t capacity, char *reason)
{
    char new_path[sizeof files->live_path + 8];
    (void)snprintf(new_path, sizeof new_path, "%s.new", files->live_path);
    files->live_bytes = live_bytes_of(capacity);
    (void)unlink(new_path);
    int fd = open(new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return refuse(SP_ERR_IO, reason, "%s can't be made: %s", new_path, strerror(errno));
    void *memory = MAP_FAILED;
    /* posix_fallocate, so that a full file system is an error here and not a signal at some later store */
    int error = posix_fallocate(fd, 0, (off_t)files->live_bytes);
    if (error == 0) {
        memory = mmap(NULL, files->live_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        error = errno;
    }
    close(fd);
    if (memory == MAP_FAILED) {
        (void)unlink(new_path); /* it may be what fills the file system up */
        return refuse(SP_ERR_IO, reason, "%s takes %zu bytes, which can't be had: %s", new_path,
                      files->live_bytes, strerror(error));
    }
    files->live = memory;
    memcpy(files->live->magic, live_magic, sizeof live_magic);
    memcpy(files->live->id, files->id, sizeof files->id);
    read_boot(files->live->boot_id);
    files->live->capacity = capacity;
    if (count > 0)
        memcpy(files->live->places, places, count * sizeof *places);
    if (rename(new_path, files->live_path) == 0)
        return SP_OK;
    return refuse(SP_ERR_IO, reason, "%s can't be made: %s", files->live_path, strerror(errno));
}

void sp_state_live_remove(const struct sp_state_files *files)
{
    (void)unlink(files->live_path);
}
