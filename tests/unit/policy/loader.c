/* SPDX-License-Identifier: ISC
 *
 * Whole files into memory, with a limit.
 */
#include "policy/loader.h"

#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

TestSuite(loader, .init = make_folder, .fini = remove_folder);

static struct sp_loaded loaded;
static char reason[256];

Test(loader, a_file_comes_with_all_of_its_bytes)
{
    static char bytes[100000];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)(i * 7);
    const char *path = write_file("f", bytes, sizeof bytes, 0600);
    cr_assert_eq(sp_loader_read(path, true, &loaded, reason), SP_OK, "%s", reason);
    cr_assert_eq(loaded.len_bytes, sizeof bytes);
    cr_assert_arr_eq(loaded.bytes, bytes, sizeof bytes);
    free(loaded.bytes);
}

Test(loader, sixteen_mebibytes_are_read_and_one_byte_more_is_refused)
{
    char *bytes = calloc(1, SP_POLICY_FILE_MAX_BYTES + 1);
    const char *path = write_file("f", bytes, SP_POLICY_FILE_MAX_BYTES, 0600);
    cr_assert_eq(sp_loader_read(path, false, &loaded, reason), SP_OK);
    cr_assert_eq(loaded.len_bytes, SP_POLICY_FILE_MAX_BYTES);
    free(loaded.bytes);
    path = write_file("f", bytes, SP_POLICY_FILE_MAX_BYTES + 1, 0600);
    cr_assert_eq(sp_loader_read(path, false, &loaded, reason), SP_ERR_IO);
    cr_assert_not_null(strstr(reason, "16 MiB"), "%s", reason);
    free(bytes);
}

Test(loader, an_endless_file_is_refused)
{
    cr_assert_eq(sp_loader_read("/dev/zero", false, &loaded, reason), SP_ERR_IO);
}

Test(loader, what_is_not_there_or_a_folder_says_why)
{
    cr_assert_eq(sp_loader_read(in_folder("none"), false, &loaded, reason), SP_ERR_IO);
    cr_assert_not_null(strstr(reason, "No such file"), "%s", reason);
    cr_assert_eq(sp_loader_read(in_folder(""), false, &loaded, reason), SP_ERR_IO);
    cr_assert_not_null(strstr(reason, "directory"), "%s", reason);
}

Test(loader, an_include_is_a_regular_file_and_a_fifo_is_not_waited_for, .timeout = 10)
{
    cr_assert_eq(mkfifo(in_folder("fifo"), 0600), 0);
    cr_assert_eq(sp_loader_read(in_folder("fifo"), true, &loaded, reason), SP_ERR_IO);
    cr_assert_eq(sp_loader_read("/dev/zero", true, &loaded, reason), SP_ERR_IO);
    cr_assert_eq(sp_loader_read("-", true, &loaded, reason), SP_ERR_IO, "an include is a path, never stdin");
}

Test(loader, a_dash_is_standard_input)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    cr_assert_eq(write(ends[1], "default block\n", 14), 14);
    cr_assert_eq(close(ends[1]), 0);
    cr_assert_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    cr_assert_eq(sp_policy_load("-", &policy, report), SP_OK);
    cr_assert_eq(sp_policy_default(policy), SP_ACTION_BLOCK);
    sp_policy_destroy(&policy);
    sp_report_destroy(&report);
}
