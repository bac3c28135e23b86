/* SPDX-License-Identifier: ISC
 *
 * SA files for those who want their SAs themselves rather than in a SAD. */
#ifndef SP_POLICY_KEYFILE_H
#define SP_POLICY_KEYFILE_H

#include <sallyport/sa.h>

/* One SA. The keys are in locked memory that is wiped when the visit is over: don't keep them. */
typedef void sp_keyfile_visitor(const struct sp_sa_params *params, void *context);

/* Reads path by the rules of sp_sad_load, with its answers, and when the file has no error visits each SA in
 * the order of the text. */
enum sp_status sp_keyfile_visit(const char *path, sp_keyfile_visitor *visit, void *context,
                                struct sp_report *report) SP_MUST_USE;

#endif
