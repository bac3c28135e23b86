/* SPDX-License-Identifier: ISC
 *
 * Findings about a text, gathered while it is read and handed to the caller's report in the order of the
 * text: what is known only at the end (an action that is never defined) still stands where it is written. */
#ifndef SP_POLICY_DIAGNOSIS_H
#define SP_POLICY_DIAGNOSIS_H

#include "policy/lexer.h"

/* Reading stops here: nobody fixes more in one go, and garbage must not fill the memory. */
#define SP_DIAGNOSIS_MAX 100

/* Starts as all zeroes but for the report. */
struct sp_diagnosis {
    struct sp_report *report;
    struct sp_finding *findings;
    size_t count, capacity;
    size_t errors;
    enum sp_status status; /* SP_ERR_PARSE as soon as one error is of that kind, else the first error's */
    bool is_out_of_memory;
};

/* One sentence about a place; line 0 means its file as a whole. */
void sp_diagnose(struct sp_diagnosis *diagnosis, enum sp_severity severity, enum sp_status code,
                 const struct sp_place *place, const char *format, ...) __attribute__((format(printf, 5, 6)));
#define sp_diagnose_error(diagnosis, place, ...)                                                             \
    sp_diagnose(diagnosis, SP_SEVERITY_ERROR, SP_ERR_PARSE, place, __VA_ARGS__)

/* True once there are so many findings, or so little memory, that reading on makes no sense. */
bool sp_diagnosis_is_full(const struct sp_diagnosis *diagnosis);

/* Moves the findings to the report and frees what is left. */
void sp_diagnosis_finish(struct sp_diagnosis *diagnosis);
/* What the call answers, after reading: SP_OK, SP_ERR_MEMORY, SP_ERR_PARSE, or the code of what it was. */
enum sp_status sp_diagnosis_status(const struct sp_diagnosis *diagnosis);

#endif
