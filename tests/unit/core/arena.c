/* SPDX-License-Identifier: ISC
 *
 * The key arena: what it hands out is zeroed, guarded and not dumped, and what it takes back is wiped.
 */
#include "core/arena.h"

#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REGION_BYTES 65536
#define SLOTS 300

static struct sp_arena *arena;

static void set_up(void)
{
    cr_assert_eq(sp_arena_create(&arena), SP_OK);
}

static void tear_down(void)
{
    sp_arena_destroy(&arena);
    cr_assert_null(arena);
}

TestSuite(arena, .init = set_up, .fini = tear_down);

static unsigned char *take(size_t size_bytes)
{
    unsigned char *slot = sp_arena_take(arena, size_bytes);

    cr_assert_not_null(slot);
    return slot;
}

static size_t count_of(const unsigned char *bytes, size_t size_bytes, unsigned char value)
{
    size_t count = 0;

    for (size_t i = 0; i < size_bytes; i++)
        count += bytes[i] == value;
    return count;
}

Test(arena, a_slot_is_zeroed_and_aligned_to_64_bytes)
{
    static const size_t sizes[] = {1, 63, 64, 65, 384, 4096, 65536};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        unsigned char *slot = take(sizes[i]);
        cr_expect_eq((uintptr_t)slot % 64, 0, "size %zu", sizes[i]);
        cr_expect_eq(count_of(slot, sizes[i], 0), sizes[i], "size %zu", sizes[i]);
    }
}

Test(arena, a_slot_is_wiped_when_it_is_given_back)
{
    unsigned char *slot = take(384);

    memset(slot, 0xa7, 384);
    sp_arena_give(arena, slot, 384);
    /* the first bytes may now link the free slots, the others are zero */
    cr_expect_eq(count_of(slot, sizeof(void *), 0xa7), 0);
    cr_expect_eq(count_of(slot + sizeof(void *), 384 - sizeof(void *), 0), 384 - sizeof(void *));
}

Test(arena, all_of_a_slot_is_wiped_although_less_was_asked_for)
{
    unsigned char *slot = take(65);

    memset(slot, 0xa7, 128);
    sp_arena_give(arena, slot, 65);
    cr_expect_eq(count_of(slot, 128, 0xa7), 0);
}

Test(arena, a_slot_given_back_is_taken_again_and_zeroed)
{
    unsigned char *first = take(200), *second = take(200);

    memset(first, 1, 200);
    memset(second, 2, 200);
    sp_arena_give(arena, first, 200);
    sp_arena_give(arena, second, 200);
    for (int i = 0; i < 2; i++) {
        unsigned char *slot = take(193); /* of the same 64-byte multiple */
        cr_expect(slot == first || slot == second);
        cr_expect_eq(count_of(slot, 256, 0), 256);
    }
}

Test(arena, slots_do_not_overlap)
{
    static unsigned char *slots[SLOTS];
    static size_t sizes[SLOTS];

    srand(1);
    for (int i = 0; i < SLOTS; i++) {
        sizes[i] = (size_t)(rand() % 3000) + 1;
        slots[i] = take(sizes[i]);
        memset(slots[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < SLOTS; i += 3) {
        sp_arena_give(arena, slots[i], sizes[i]);
        slots[i] = take(sizes[i]);
        memset(slots[i], i & 0xff, sizes[i]);
    }
    for (int i = 0; i < SLOTS; i++)
        cr_expect_eq(count_of(slots[i], sizes[i], (unsigned char)i), sizes[i], "slot %d", i);
}

Test(arena, the_rest_of_a_region_is_used_before_a_new_one_is_made)
{
    unsigned char *first = take(40960);

    (void)take(40960); /* doesn't fit behind the first */
    unsigned char *third = take(REGION_BYTES - 40960);
    cr_expect_eq(third, first + 40960);
}

/* The kernel copies from the address or answers EFAULT, which no signal handler of a sanitizer disturbs. */
static bool is_readable(const unsigned char *address)
{
    int ends[2];

    cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
    ssize_t written = write(ends[1], address, 1);
    int why = errno;
    close(ends[0]);
    close(ends[1]);
    cr_assert(written == 1 || why == EFAULT);
    return written == 1;
}

Test(arena, a_region_ends_at_a_guard_page)
{
    unsigned char *slot = take(REGION_BYTES);

    cr_expect(is_readable(slot + REGION_BYTES - 1));
    cr_expect_not(is_readable(slot + REGION_BYTES));
}

/* Is the mapping that holds the address marked "do not dump"? */
static bool is_kept_from_dumps(const void *address)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool is_here = false, is_kept = false;

    cr_assert_not_null(maps);
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t first, end;
        if (sscanf(line, "%lx-%lx ", &first, &end) == 2)
            is_here = first <= (uintptr_t)address && (uintptr_t)address < end;
        else if (is_here && strncmp(line, "VmFlags:", 8) == 0)
            is_kept = strstr(line, " dd") != NULL;
    }
    (void)fclose(maps);
    return is_kept;
}

Test(arena, slots_are_kept_out_of_core_dumps)
{
    void *ordinary = malloc(100);

    cr_expect(is_kept_from_dumps(take(100)));
    cr_expect_not(is_kept_from_dumps(ordinary));
    free(ordinary);
}

Test(arena, giving_back_nothing_is_allowed)
{
    sp_arena_give(arena, NULL, 64);
    cr_expect_not_null(take(64));
}

Test(arena, taking_no_bytes_is_misuse, .signal = SIGABRT)
{
    (void)!sp_arena_take(arena, 0);
}

Test(arena, taking_more_than_a_region_is_misuse, .signal = SIGABRT)
{
    (void)!sp_arena_take(arena, REGION_BYTES + 1);
}
