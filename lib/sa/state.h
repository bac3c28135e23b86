/* SPDX-License-Identifier: ISC
 *
 * Between the SAD and the state of its SAs (sallyport/state.h).
 */
#ifndef SP_SA_STATE_H
#define SP_SA_STATE_H

#include "sa/sad.h"

#include <sallyport/state.h>

/* An SA that is about to be published takes up where one like it was left. SP_ERR_LIMIT: there is no place.
 */
enum sp_status sp_state_adopt(struct sp_state *state, struct sp_sa *sa) SP_MUST_USE;
/* The SA goes; what it used is remembered. Nobody uses it any more. */
void sp_state_retire(struct sp_state *state, const struct sp_sa *sa);

/* sad.c: the state of a SAD, NULL: none. */
void sp_sad_set_state(struct sp_sad *sad, struct sp_state *state);

#endif
