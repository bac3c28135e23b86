/* SPDX-License-Identifier: ISC
 *
 * Misuse ends the process, whatever the handler does.
 */
#include "core/misuse.h"

#include <criterion/criterion.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static void exit_when_told_what(const char *what)
{
    _exit(strstr(what, "the_moon_is_cheese") != NULL ? 7 : 1);
}

static void do_nothing(const char *what)
{
    (void)what;
}

Test(misuse, aborts, .signal = SIGABRT)
{
    sp_misuse("a test's misuse");
}

Test(misuse, tells_the_handler_which_condition_does_not_hold, .exit_code = 7)
{
    bool the_moon_is_cheese = false;

    sp_set_misuse_handler(exit_when_told_what);
    SP_REQUIRE(the_moon_is_cheese);
}

Test(misuse, aborts_also_when_the_handler_returns, .signal = SIGABRT)
{
    sp_set_misuse_handler(do_nothing);
    sp_misuse("a test's misuse");
}

Test(misuse, goes_to_the_default_handler_again_after_null, .signal = SIGABRT)
{
    sp_set_misuse_handler(exit_when_told_what);
    sp_set_misuse_handler(NULL);
    sp_misuse("a test's misuse");
}

Test(misuse, is_not_seen_where_the_condition_holds)
{
    SP_REQUIRE(true);
}
