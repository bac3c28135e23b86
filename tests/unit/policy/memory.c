/* SPDX-License-Identifier: ISC
 *
 * When memory is out: every allocation fails in its turn, and the call says so, leaves its output alone and
 * gives back what it had.
 *
 * The allocator is the C library's, with a countdown before it; the sanitizers bring their own and can't have
 * it.
 */
#include "unit/policy/fixture.h"

#include <criterion/criterion.h>
#include <sallyport/analysis.h>
#include <stdlib.h>
#include <string.h>

#if !SP_HAS_ASAN

#define ROUNDS_MAX 10000

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static unsigned countdown; /* the allocation that fails when it comes to 1; 0: none */
static long balance;       /* allocations less frees */

static bool is_out(void)
{
    return countdown != 0 && --countdown == 0;
}

void *malloc(size_t size)
{
    void *memory = is_out() ? NULL : __libc_malloc(size);
    balance += memory != NULL;
    return memory;
}

void *calloc(size_t count, size_t size)
{
    void *memory = is_out() ? NULL : __libc_calloc(count, size);
    balance += memory != NULL;
    return memory;
}

void *realloc(void *old, size_t size)
{
    void *memory = is_out() ? NULL : __libc_realloc(old, size);
    balance += memory != NULL && old == NULL;
    return memory;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    void *memory = is_out() ? NULL : __libc_memalign(alignment, size);
    balance += memory != NULL;
    return memory;
}

void free(void *memory)
{
    balance -= memory != NULL;
    __libc_free(memory);
}

TestSuite(memory, .init = make_folder, .fini = remove_folder, .timeout = 60);

static const char good[] =
    "order specific\n"
    "set \"a\" { me, 192.0.2.7 }\nset \"p\" { 80 }\nset \"q\" { \"p\", 81 }\n"
    "block in icmp type { 8, 0 } code { 0, 1 } from any to me\n"
    "block in tcp from \"a\" to any port { \"q\", 90 }\n"
    "action \"a\" { esp null hmac-md5-96 }\n"
    "protect out tcp from { me, 192.0.2.1 } to any port { 80, 443 } with \"a\" as \"r\"\n"
    "include \"part\"\n"
    "default block\n";
static const char part[] = "block in from 192.0.2.0/24 to me as \"p\"\n";

/* Parses with the n-th allocation failing; true when there were fewer. */
static bool load_policy(const char *path, unsigned n)
{
    struct sp_policy *policy = NULL;
    struct sp_report *report;
    cr_assert_eq(sp_report_create(&report), SP_OK);
    long before = balance;
    countdown = n;
    enum sp_status status = sp_policy_load(path, &policy, report);
    bool is_done = countdown != 0;
    countdown = 0;
    if (!is_done) {
        cr_assert_eq(status, SP_ERR_MEMORY, "allocation %u: %s", n, sp_status_text(status));
        cr_assert_null(policy);
        cr_assert_eq(balance, before, "allocation %u: %ld are not given back", n, balance - before);
    } else {
        cr_assert_eq(status, SP_OK);
    }
    sp_policy_destroy(&policy);
    cr_assert_eq(balance, before);
    sp_report_destroy(&report);
    return is_done;
}

Test(memory, a_policy_that_runs_out_of_it_anywhere_says_so_and_gives_all_back)
{
    (void)write_file("part", part, sizeof part - 1, 0600);
    const char *path = write_file("policy", good, sizeof good - 1, 0600);
    unsigned n = 1;
    while (!load_policy(path, n))
        cr_assert_lt(++n, ROUNDS_MAX);
    cr_assert_gt(n, 10, "there were allocations to fail");
}

/* The same for a check, which needs a policy in which it finds things. */
static bool check_policy(const struct sp_policy *policy, unsigned n)
{
    const struct sp_me me = {.unknown = true};
    struct sp_check *check = NULL;
    long before = balance;
    countdown = n;
    enum sp_status status = sp_policy_check(policy, &me, &check);
    bool is_done = countdown != 0;
    countdown = 0;
    if (!is_done) {
        cr_assert_eq(status, SP_ERR_MEMORY, "allocation %u: %s", n, sp_status_text(status));
        cr_assert_null(check);
        cr_assert_eq(balance, before, "allocation %u: %ld are not given back", n, balance - before);
    } else {
        cr_assert_eq(status, SP_OK);
        cr_assert_gt(sp_check_count(check), 2);
    }
    sp_check_destroy(&check);
    return is_done;
}

Test(memory, a_check_that_runs_out_of_it_anywhere_says_so_and_gives_all_back)
{
    struct sp_policy *policy =
        policy_of("action \"a\" { esp null hmac-md5-96 }\naction \"b\" { esp 3des-cbc hmac-md5-96 }\n"
                  "bypass in tcp from 192.0.2.0/24 to any\nblock in tcp from 192.0.2.7 to me port 1-90\n"
                  "block in tcp from 198.51.100.0/24 port 80 to me\nbypass out tcp from me to 192.0.2.9\n"
                  "block out udp from me to { 192.0.2.1, 192.0.2.2, 192.0.2.3 } port { 1, 3, 5, 7, 9, 11 }\n"
                  "protect out tcp from me to any port 80 with \"a\"\n"
                  "protect out udp from me to 192.0.2.0/24 port { 1-7, 9-11 } with \"b\"\ndefault bypass\n");
    unsigned n = 1;
    while (!check_policy(policy, n))
        cr_assert_lt(++n, ROUNDS_MAX);
    cr_assert_gt(n, 10, "there were allocations to fail");
    sp_policy_destroy(&policy);
}

static bool load_keys(const char *path, unsigned n)
{
    struct sp_sad *sad;
    struct sp_report *report;
    cr_assert_eq(sp_sad_create(8, &sad), SP_OK);
    cr_assert_eq(sp_report_create(&report), SP_OK);
    countdown = n;
    enum sp_status status = sp_sad_load(sad, path, report);
    bool is_done = countdown != 0;
    countdown = 0;
    cr_assert_eq(status, is_done ? SP_OK : SP_ERR_MEMORY, "allocation %u: %s", n, sp_status_text(status));
    cr_assert_eq(sp_sad_count(sad), is_done ? 3 : 0, "allocation %u: all SAs or none", n);
    sp_report_destroy(&report);
    sp_sad_destroy(&sad);
    return is_done;
}

Test(memory, an_sa_file_that_runs_out_of_it_anywhere_adds_no_sa_at_all)
{
    char text[1024] = "";
    for (int i = 0; i < 3; i++)
        sprintf(text + strlen(text),
                "sa \"%d\" {\n spi %d\n from 192.0.2.1 to 192.0.2.2\n esp null hmac-md5-96\n"
                " integrity-key 0x000102030405060708090a0b0c0d0e0f\n}\n",
                i, 256 + i);
    const char *path = write_file("keys", text, strlen(text), 0600);
    unsigned n = 1;
    while (!load_keys(path, n))
        cr_assert_lt(++n, ROUNDS_MAX);
    cr_assert_gt(n, 5, "there were allocations to fail");
}

#endif
