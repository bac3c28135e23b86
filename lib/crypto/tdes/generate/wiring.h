/* SPDX-License-Identifier: ISC
 *
 * What the makers of the bit-sliced networks share: all of DES around its S-boxes, as C source.
 */
#ifndef SP_CRYPTO_TDES_GENERATE_WIRING_H
#define SP_CRYPTO_TDES_GENERATE_WIRING_H

#include "des_tables.h"

#include <stdbool.h>

/* What an S-box makes of input x, whose first bit is the highest. */
int box_value(int box, int x);

/* A network "leaves out" S(0) when its boxes make S(x) ^ S(0); some key bits are then met inverted. */
void print_head(const char *program, bool leaves_out);
void print_key_offsets(bool leaves_out);
/* The opening of a box's function: inputs g0 to g5, outputs to be XORed into. */
void print_box_head(int box, int gates);
/* One round: left ^= P(S(E(right) ^ key)). */
void print_round(void);

#endif
