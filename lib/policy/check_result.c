/* SPDX-License-Identifier: ISC
 *
 * The findings of a check, as their readers see them.
 */
#include "policy/check_result.h"

#include "core/misuse.h"
#include "policy/storage.h"

#include <stdlib.h>

const char *sp_check_name(enum sp_check_kind kind)
{
    static const char *const names[] = {
        [SP_CHECK_SHADOWED] = "shadowed", [SP_CHECK_UNREACHABLE] = "unreachable",
        [SP_CHECK_OVERLAP] = "overlap",   [SP_CHECK_MIRROR] = "mirror",
        [SP_CHECK_HOLE] = "hole",         [SP_CHECK_LIFETIME] = "lifetime",
        [SP_CHECK_UNUSED] = "unused",
    };
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}

enum sp_status sp_check_add(struct sp_check *check, const struct sp_check_finding *finding)
{
    if (check->count == SP_CHECK_FINDINGS_MAX)
        return SP_ERR_LIMIT;
    if (!sp_grow(&check->findings, &check->capacity, check->count, sizeof *finding))
        return SP_ERR_MEMORY;
    check->findings[check->count++] = *finding;
    return SP_OK;
}

void sp_check_destroy(struct sp_check **check)
{
    SP_REQUIRE(check != NULL);
    if (*check == NULL)
        return;
    free((*check)->findings);
    free(*check);
    *check = NULL;
}

size_t sp_check_count(const struct sp_check *check)
{
    SP_REQUIRE(check != NULL);
    return check->count;
}

const struct sp_check_finding *sp_check_get(const struct sp_check *check, size_t index)
{
    SP_REQUIRE(check != NULL && index < check->count);
    return &check->findings[index];
}
