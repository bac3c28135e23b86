/* SPDX-License-Identifier: ISC
 *
 * Runs the tests that are linked in, each in a process of its own, and prints a line of TAP for each.
 */
#include "criterion.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct small_suite *suites;
static struct small_test *tests, **last_test = &tests;
static bool has_failed;

void small_add_suite(struct small_suite *suite)
{
    suite->next = suites;
    suites = suite;
}

void small_add_test(struct small_test *test)
{
    *last_test = test;
    last_test = &test->next;
}

void small_check(bool holds, bool is_fatal, const char *file, int line, const char *condition,
                 const char *format, ...)
{
    va_list arguments;

    if (holds)
        return;
    printf("# %s:%d: %s is false:", file, line, condition);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    has_failed = true;
    if (is_fatal)
        exit(1);
}

void small_skip(const char *why)
{
    printf("# skipped: %s\n", why);
    exit(1);
}

static const struct small_suite *suite_of(const struct small_test *test)
{
    static const struct small_suite plain = {.name = ""};

    for (const struct small_suite *suite = suites; suite != NULL; suite = suite->next)
        if (strcmp(suite->name, test->suite) == 0)
            return suite;
    return &plain;
}

static void run(const struct small_test *test)
{
    const struct small_suite *suite = suite_of(test);

    (void)alarm((unsigned)suite->timeout);
    if (suite->init != NULL)
        suite->init();
    test->run();
    if (suite->fini != NULL)
        suite->fini();
    exit(has_failed);
}

static bool succeeds(const struct small_test *test)
{
    int status = 0;

    (void)fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        run(test);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (WIFSIGNALED(status))
        printf("# ended by signal %d\n", WTERMSIG(status));
    return status == 0;
}

int main(void)
{
    int failures = 0;

    for (const struct small_test *test = tests; test != NULL; test = test->next) {
        const bool is_good = succeeds(test);
        printf("%sok - %s: ", is_good ? "" : "not ", test->suite);
        for (const char *letter = test->name; *letter != '\0'; letter++)
            putchar(*letter == '_' ? ' ' : *letter);
        putchar('\n');
        failures += !is_good;
    }
    return tests == NULL || failures > 0;
}
