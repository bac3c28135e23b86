/* SPDX-License-Identifier: ISC
 *
 * As much of Criterion as some of the unit tests use, for a guest: Criterion itself shares memory at
 * addresses that a guest's processes don't have. Each test runs in a process of its own; small_criterion.c
 * has main.
 */
#ifndef TESTS_GUEST_CRITERION_H
#define TESTS_GUEST_CRITERION_H

#include <stdbool.h>
#include <stddef.h>

struct small_suite {
    const char *name;
    void (*init)(void);
    void (*fini)(void);
    double timeout; /* seconds */
    struct small_suite *next;
};
struct small_test {
    const char *suite, *name;
    void (*run)(void);
    struct small_test *next;
};
void small_add_suite(struct small_suite *suite);
void small_add_test(struct small_test *test);

#define TestSuite(suite_, ...)                                                                               \
    static struct small_suite suite_##_suite = {.name = #suite_, __VA_ARGS__};                               \
    __attribute__((constructor)) static void suite_##_add(void)                                              \
    {                                                                                                        \
        small_add_suite(&suite_##_suite);                                                                    \
    }                                                                                                        \
    struct small_suite

#define Test(suite_, name_)                                                                                  \
    static void suite_##_##name_(void);                                                                      \
    static struct small_test suite_##_##name_##_test = {                                                     \
        .suite = #suite_, .name = #name_, .run = suite_##_##name_};                                          \
    __attribute__((constructor)) static void suite_##_##name_##_add(void)                                    \
    {                                                                                                        \
        small_add_test(&suite_##_##name_##_test);                                                            \
    }                                                                                                        \
    static void suite_##_##name_(void)

/* Says what does not hold, and ends the test when that is fatal. */
__attribute__((format(printf, 6, 7))) void small_check(bool holds, bool is_fatal, const char *file, int line,
                                                       const char *condition, const char *format, ...);
/* In a guest everything can be had. */
__attribute__((noreturn)) void small_skip(const char *why);

#define small_that(condition, is_fatal, ...)                                                                 \
    small_check((condition), is_fatal, __FILE__, __LINE__, #condition, " " __VA_ARGS__)

#define cr_skip(why) small_skip(why)
#define cr_assert(condition, ...) small_that(condition, true, __VA_ARGS__)
#define cr_assert_eq(left, right, ...) small_that((left) == (right), true, __VA_ARGS__)
#define cr_assert_lt(left, right, ...) small_that((left) < (right), true, __VA_ARGS__)
#define cr_assert_leq(left, right, ...) small_that((left) <= (right), true, __VA_ARGS__)
#define cr_assert_gt(left, right, ...) small_that((left) > (right), true, __VA_ARGS__)
#define cr_assert_not_null(value, ...) small_that((value) != NULL, true, __VA_ARGS__)
#define cr_expect_gt(left, right, ...) small_that((left) > (right), false, __VA_ARGS__)
#define cr_expect_null(value, ...) small_that((value) == NULL, false, __VA_ARGS__)

#endif
