/* SPDX-License-Identifier: ISC
 *
 * Which files may hold keys.
 */
#include "policy/secret_file.h"

#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES ((size_t)100000)

static struct sp_secret secret;
static char reason[SP_SECRET_REASON_BYTES];

static void begin(void)
{
    cr_assert_geq(sodium_init(), 0);
    make_folder();
}

TestSuite(secret_file, .init = begin, .fini = remove_folder, .timeout = 30);

static enum sp_status read_path(const char *path)
{
    reason[0] = '\0';
    return sp_secret_read(path, true, MAX_BYTES, &secret, reason);
}

Test(secret_file, only_modes_without_group_and_others_are_taken)
{
    for (unsigned mode = 0; mode <= 0777; mode++) {
        const char *path = write_file("f", "secret", 6, mode);
        if ((mode & 0400) == 0 && geteuid() != 0)
            continue;
        enum sp_status status = read_path(path);
        cr_assert_eq(status, (mode & 077) == 0 ? SP_OK : SP_ERR_PERMISSION, "mode %04o", mode);
        if (status == SP_OK)
            sp_secret_free(&secret);
        else
            cr_assert_not_null(strstr(reason, "chmod 600"), "%s", reason);
        cr_assert_eq(unlink(path), 0);
    }
}

Test(secret_file, owner_mode_and_kind_decide)
{
    static const struct {
        mode_t mode;
        uid_t owner, reader;
        bool is_descriptor;
        enum sp_status wanted;
    } cases[] = {
        {S_IFREG | 0600, 1000, 1000, false, SP_OK},
        {S_IFREG | 0400, 1000, 1000, false, SP_OK},
        {S_IFREG | 0600, 0, 1000, false, SP_OK},
        {S_IFREG | 0600, 0, 0, false, SP_OK},
        {S_IFREG | 0600, 1000, 0, false, SP_ERR_PERMISSION},
        {S_IFREG | 0600, 1001, 1000, false, SP_ERR_PERMISSION},
        {S_IFREG | 0640, 1000, 1000, false, SP_ERR_PERMISSION},
        {S_IFREG | 0601, 0, 0, false, SP_ERR_PERMISSION},
        {S_IFREG | 0620, 1000, 1000, true, SP_ERR_PERMISSION},
        {S_IFREG | 0600, 1000, 1000, true, SP_OK},
        {S_IFIFO | 0600, 1000, 1000, true, SP_OK},
        {S_IFIFO | 0600, 1000, 1000, false, SP_ERR_PERMISSION},
        {S_IFIFO | 0600, 1001, 1000, true, SP_ERR_PERMISSION},
        {S_IFIFO | 0606, 1000, 1000, true, SP_ERR_PERMISSION},
        {S_IFCHR | 0600, 1000, 1000, true, SP_ERR_PERMISSION},
        {S_IFSOCK | 0600, 1000, 1000, true, SP_ERR_PERMISSION},
        {S_IFDIR | 0700, 1000, 1000, false, SP_ERR_PERMISSION},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct stat file = {.st_mode = cases[i].mode, .st_uid = cases[i].owner};
        enum sp_status status = sp_secret_check(&file, cases[i].reader, cases[i].is_descriptor, "f", reason);
        cr_assert_eq(status, cases[i].wanted, "case %zu", i);
    }
}

/* Only root can give a file away; for others the table above has to do. */
Test(secret_file, the_owner_that_counts_is_that_of_the_open_file)
{
    if (geteuid() != 0)
        return;
    const char *path = write_file("f", "secret", 6, 0600);
    cr_assert_eq(chown(path, 12345, (gid_t)-1), 0);
    cr_assert_eq(read_path(path), SP_ERR_PERMISSION);
    cr_assert_not_null(strstr(reason, "belongs to user 12345"), "%s", reason);
    cr_assert_not_null(strstr(reason, "chown 0"), "%s", reason);
    cr_assert_eq(chmod(in_folder(""), 0755), 0);
    cr_assert_eq(seteuid(12345), 0);
    cr_assert_eq(read_path(path), SP_OK, "%s", reason);
    sp_secret_free(&secret);
    cr_assert_eq(seteuid(0), 0);
}

Test(secret_file, a_symbolic_link_is_refused_wherever_it_leads)
{
    const char *path = write_file("f", "secret", 6, 0600);
    cr_assert_eq(symlink(path, in_folder("link")), 0);
    cr_assert_eq(read_path(in_folder("link")), SP_ERR_PERMISSION);
    cr_assert_not_null(strstr(reason, "symbolic link"), "%s", reason);
    cr_assert_eq(symlink(in_folder("none"), in_folder("dangling")), 0);
    cr_assert_eq(read_path(in_folder("dangling")), SP_ERR_PERMISSION);
}

Test(secret_file, folders_fifos_and_devices_are_refused_and_not_waited_for)
{
    cr_assert_eq(mkfifo(in_folder("fifo"), 0600), 0);
    cr_assert_eq(read_path(in_folder("fifo")), SP_ERR_PERMISSION);
    cr_assert_eq(read_path(in_folder("")), SP_ERR_PERMISSION);
    cr_assert_eq(read_path("/dev/zero"), SP_ERR_PERMISSION);
}

Test(secret_file, what_is_not_there_is_an_io_error)
{
    cr_assert_eq(read_path(in_folder("none")), SP_ERR_IO);
    cr_assert_not_null(strstr(reason, "No such file"), "%s", reason);
}

Test(secret_file, files_of_every_size_up_to_the_limit_are_read_whole)
{
    static char bytes[MAX_BYTES + 1];
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 65536, MAX_BYTES};
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 31);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cr_assert_eq(read_path(write_file("f", bytes, sizes[i], 0600)), SP_OK);
        cr_assert_eq(secret.len_bytes, sizes[i]);
        cr_assert_eq(memcmp(secret.bytes, bytes, sizes[i]), 0);
        sp_secret_free(&secret);
        cr_assert_null(secret.bytes);
    }
    cr_assert_eq(read_path(write_file("f", bytes, MAX_BYTES + 1, 0600)), SP_ERR_IO);
    cr_assert_not_null(strstr(reason, "100000 bytes"), "%s", reason);
}

Test(secret_file, a_pipe_is_read_to_its_end_through_its_descriptor)
{
    int ends[2];
    char path[32];
    static char bytes[50000];
    memset(bytes, 'k', sizeof bytes);
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(fcntl(ends[1], F_SETPIPE_SZ, 65536), 65536);
    cr_assert_eq(write(ends[1], bytes, sizeof bytes), sizeof bytes);
    cr_assert_eq(close(ends[1]), 0);
    snprintf(path, sizeof path, "/dev/fd/%d", ends[0]);
    cr_assert_eq(read_path(path), SP_OK, "%s", reason);
    cr_assert_eq(secret.len_bytes, sizeof bytes);
    cr_assert_eq(memcmp(secret.bytes, bytes, sizeof bytes), 0);
    sp_secret_free(&secret);
    cr_assert_eq(fcntl(ends[0], F_GETFD), 0, "the descriptor stays open: it is the caller's");
}

Test(secret_file, a_descriptor_is_held_to_the_same_owner_and_mode)
{
    char path[32];
    int descriptor = open(write_file("f", "secret", 6, 0644), O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/dev/fd/%d", descriptor);
    cr_assert_eq(read_path(path), SP_ERR_PERMISSION);
    cr_assert_eq(fchmod(descriptor, 0600), 0);
    cr_assert_eq(read_path(path), SP_OK);
    sp_secret_free(&secret);
}

Test(secret_file, descriptors_count_only_where_they_may)
{
    cr_assert_eq(sp_secret_read("-", false, MAX_BYTES, &secret, reason), SP_ERR_IO, "that is a file named -");
    cr_assert_neq(read_path("/dev/fd/99999"), SP_OK);
    cr_assert_neq(read_path("/dev/fd/"), SP_OK);
    cr_assert_neq(read_path("/dev/fd/1x"), SP_OK);
}
