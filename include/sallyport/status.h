/* SPDX-License-Identifier: ISC
 *
 * Sallyport: what a call answers.
 *
 * Every function that can fail returns enum sp_status and must not be ignored. Outputs are named ret_x
 * and stay untouched on failure. Calls that read what people wrote (policies, SA files) also fill a
 * struct sp_report: every error of the file in one go, each with its place and one plain sentence that
 * says what to do.
 *
 * Misuse (a null where the header forbids it, a closed handle) is a bug of the caller: it calls the
 * misuse handler and aborts. Bad input never aborts.
 */
#ifndef SALLYPORT_STATUS_H
#define SALLYPORT_STATUS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_API __attribute__((visibility("default")))
#define SP_MUST_USE __attribute__((warn_unused_result))

enum sp_status {
    SP_OK = 0,
    SP_ERR_MEMORY,      /* no memory, or the key arena is full */
    SP_ERR_INVALID,     /* an argument's value is outside what the header allows */
    SP_ERR_PARSE,       /* the text has errors: read the report */
    SP_ERR_IO,          /* a file could not be read or written */
    SP_ERR_PERMISSION,  /* a key file is not the caller's, or others may read it */
    SP_ERR_WEAK_KEY,    /* a degenerate, weak or semi-weak key (RFC 2451 2.3, RFC 2409 App. A) */
    SP_ERR_KEY_LENGTH,  /* a key of the wrong length for its algorithm */
    SP_ERR_SPI,         /* SPI 0-255 is reserved (RFC 4303 2.1) */
    SP_ERR_EXISTS,      /* there is one already */
    SP_ERR_NOT_FOUND,   /* there is none such */
    SP_ERR_LIMIT,       /* a fixed capacity is used up */
    SP_ERR_UNSUPPORTED, /* this build or this machine can't */
    SP_ERR_SYSTEM,      /* the operating system refused: errno tells why */
};

/* A short English name: "weak key". Never NULL; static storage. */
SP_API const char *sp_status_text(enum sp_status status);

enum sp_severity { SP_SEVERITY_ERROR, SP_SEVERITY_WARNING };

/* One finding about a file. line and column (in bytes) count from 1; 0 when the file as a whole is meant. */
struct sp_error {
    enum sp_status code;
    enum sp_severity severity;
    char file[192];
    uint32_t line, column;
    uint32_t width;        /* bytes that the caret underlines, at least 1 */
    char text[256];        /* one sentence: what is wrong and what to write instead */
    char source_line[192]; /* the offending line; for SA files its key digits are masked with 'x' */
};

struct sp_report;

/* An empty report. SP_ERR_MEMORY. One thread at a time. The caller owns it. */
SP_API enum sp_status sp_report_create(struct sp_report **ret_report) SP_MUST_USE;
/* Frees it and nulls the pointer; *report may be NULL. */
SP_API void sp_report_destroy(struct sp_report **report);
/* Copies the finding, for callers who have their own to add. A report that can't grow keeps counting errors,
 * so that a failure never looks like success. */
SP_API void sp_report_add(struct sp_report *report, const struct sp_error *error);
/* How many findings, in the order of the text. */
SP_API size_t sp_report_count(const struct sp_report *report);
/* How many of them are errors (the rest are warnings). */
SP_API size_t sp_report_errors(const struct sp_report *report);
/* Finding index < count; misuse otherwise. Valid until the report is destroyed or grows. */
SP_API const struct sp_error *sp_report_get(const struct sp_report *report, size_t index);
/* "file:line:column: error: text", the line and a caret below it, for each finding. */
SP_API void sp_report_print(const struct sp_report *report, FILE *out);

/* Called with a sentence before abort(); NULL restores the default, which prints it to stderr. A handler
 * that returns still ends in abort(). Set it before the first other call; not thread-safe. */
typedef void sp_misuse_handler(const char *what);
SP_API void sp_set_misuse_handler(sp_misuse_handler *handler);

/* "0.1.0". */
SP_API const char *sp_version(void);

#ifdef __cplusplus
}
#endif
#endif
