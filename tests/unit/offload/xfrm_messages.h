/* SPDX-License-Identifier: ISC
 *
 * Messages of chance for the tests of the codec, and whether two are the same.
 */
#ifndef TESTS_XFRM_MESSAGES_H
#define TESTS_XFRM_MESSAGES_H

#include "xfrm/xfrm.h"

/* Every type that the codec knows. */
extern const uint16_t xfrm_types[];
extern const size_t xfrm_type_count;

uint64_t chance(uint64_t *state);

/* A message of this type whose every field is of chance. keys: where its keys are, SP_XFRM_KEY_BITS_MAX bits.
 */
void message_of_chance(uint64_t *state, uint16_t type, const uint8_t *keys, struct sp_xfrm_message *ret);
/* The name of the first part that differs, or NULL. */
const char *message_difference(const struct sp_xfrm_message *left, const struct sp_xfrm_message *right);

#endif
