/* SPDX-License-Identifier: ISC
 *
 * Storage that is given back all at once.
 */
#include "policy/storage.h"

#include <criterion/criterion.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

Test(storage, pieces_of_any_size_are_aligned_and_do_not_overlap)
{
    enum { PIECES = 2000 };
    static unsigned char *pieces[PIECES];
    struct sp_storage *storage = sp_storage_create();
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 97 == 0 ? 40000 : i % 61;
        pieces[i] = sp_storage_take(storage, size);
        cr_assert_not_null(pieces[i]);
        cr_assert_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
        memset(pieces[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < PIECES; i++) {
        size_t size = i % 97 == 0 ? 40000 : i % 61;
        for (size_t at = 0; at < size; at++)
            cr_assert_eq(pieces[i][at], i % 251);
    }
    sp_storage_destroy(storage);
}

Test(storage, a_text_is_copied_and_ends_with_a_zero)
{
    struct sp_storage *storage = sp_storage_create();
    char text[] = {'a', 'b', 'c'};
    const char *copy = sp_storage_text(storage, text, sizeof text);
    text[0] = 'x';
    cr_assert_str_eq(copy, "abc");
    cr_assert_str_eq(sp_storage_text(storage, "", 0), "");
    sp_storage_destroy(storage);
}

Test(storage, a_size_that_would_wrap_is_refused)
{
    struct sp_storage *storage = sp_storage_create();
    cr_assert_null(sp_storage_take(storage, SIZE_MAX));
    cr_assert_null(sp_storage_take(storage, SIZE_MAX - 8));
    sp_storage_destroy(storage);
}

Test(storage, an_array_grows_and_keeps_its_elements)
{
    uint32_t *numbers = NULL;
    size_t capacity = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        cr_assert(sp_grow(&numbers, &capacity, i, sizeof *numbers));
        numbers[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        cr_assert_eq(numbers[i], i);
    free(numbers);
}

Test(storage, an_array_that_cannot_grow_stays_as_it_was)
{
    uint32_t *numbers = NULL;
    size_t capacity = 0;
    cr_assert(sp_grow(&numbers, &capacity, 0, sizeof *numbers));
    const uint32_t *before = numbers;
    size_t huge = SIZE_MAX / 4;
    cr_assert_not(sp_grow(&numbers, &huge, huge, sizeof *numbers));
    cr_assert_eq(numbers, before);
    cr_assert_eq(huge, SIZE_MAX / 4);
    free(numbers);
}
