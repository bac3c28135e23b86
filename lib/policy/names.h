/* SPDX-License-Identifier: ISC
 *
 * A map from names to numbers, so that a policy of any size is checked for duplicates in linear time. */
#ifndef SP_POLICY_NAMES_H
#define SP_POLICY_NAMES_H

#include <sallyport/status.h>

#include <stdbool.h>

/* Starts as all zeroes. The texts belong to the caller and outlive the map. */
struct sp_names {
    struct sp_names_slot {
        const char *name;
        uint32_t number;
    } * slots;
    size_t capacity, count;
};

#define SP_NAMES_NONE UINT32_MAX

/* SP_NAMES_NONE when the name is not there. */
uint32_t sp_names_find(const struct sp_names *names, const char *name);
/* Adds a name that is not there yet; false when memory is out. */
bool sp_names_add(struct sp_names *names, const char *name, uint32_t number) SP_MUST_USE;
void sp_names_free(struct sp_names *names);

#endif
