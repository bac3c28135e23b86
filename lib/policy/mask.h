/* SPDX-License-Identifier: ISC
 *
 * Lines of SA files as they may be shown. */
#ifndef SP_POLICY_MASK_H
#define SP_POLICY_MASK_H

#include <stddef.h>

/* Copies the line to out[len_bytes + 1], NUL-terminated, column by column: what is neither a word of
 * sallyport.keys(5) nor surely harmless where it stands becomes x's, and comments are left out. */
void sp_mask_line(const char *line, size_t len_bytes, char *out);

#endif
