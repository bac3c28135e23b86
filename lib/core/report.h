/* SPDX-License-Identifier: ISC
 *
 * How the floors above add findings to a struct sp_report. */
#ifndef SP_CORE_REPORT_H
#define SP_CORE_REPORT_H

#include <sallyport/status.h>

/* Copies the finding. A report that can't grow keeps counting errors, so that a failure never looks like
 * success. */
void sp_report_add(struct sp_report *report, const struct sp_error *error);

#endif
