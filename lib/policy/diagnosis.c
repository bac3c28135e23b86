/* SPDX-License-Identifier: ISC
 *
 * Findings about a text, sorted by where they stand.
 *
 * Columns count bytes, as editors and compilers do. Lines of SA files are masked while they are copied, so
 * that no key digit ever reaches a finding; the sentences never quote them either.
 */
#include "policy/diagnosis.h"
#include "policy/mask.h"
#include "policy/storage.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct sp_finding {
    uint64_t order;
    size_t number; /* keeps those of one place in their order */
    struct sp_error error;
};

static size_t line_bytes(const struct sp_place *place)
{
    const char *end = place->source->bytes + place->source->len_bytes;
    const char *newline = memchr(place->line_start, '\n', (size_t)(end - place->line_start));
    if (newline != NULL)
        end = newline;
    if (end > place->line_start && end[-1] == '\r')
        end--;
    return (size_t)(end - place->line_start);
}

/* As it is, but for what can't be shown: one '?' a byte keeps the columns. */
static void copy_line(const char *line, size_t len, char *out)
{
    for (size_t i = 0; i < len;) {
        size_t step = sp_utf8_sequence(line + i, line + len);
        bool is_shown = step > 0 && (line[i] == '\t' || !sp_utf8_is_unshowable(line + i, step));
        for (step = step == 0 ? 1 : step; step > 0; step--, i++)
            out[i] = is_shown ? line[i] : '?';
    }
    out[len] = '\0';
}

static void show_line(const struct sp_place *place, struct sp_error *error)
{
    size_t len = line_bytes(place);
    size_t most = sizeof error->source_line - 1;
    if (error->column > most)
        return; /* the beginning of a very long line explains nothing */
    if (len > most) {
        len = most;
        while (len > 0 && ((unsigned char)place->line_start[len] & 0xc0) == 0x80)
            len--;
    }
    if (place->source->is_secret)
        sp_mask_line(place->line_start, len, error->source_line);
    else
        copy_line(place->line_start, len, error->source_line);
}

static void locate(const struct sp_place *place, struct sp_error *error)
{
    snprintf(error->file, sizeof error->file, "%s", place->source->name);
    error->line = place->line;
    error->width = 1;
    if (place->line == 0)
        return;
    error->column = (uint32_t)(place->start - place->line_start) + 1;
    if (place->len_bytes > 1)
        error->width = (uint32_t)place->len_bytes;
    show_line(place, error);
}

/* Not the fault of the text. */
static bool is_outside(enum sp_status code)
{
    return code == SP_ERR_IO || code == SP_ERR_PERMISSION || code == SP_ERR_LIMIT || code == SP_ERR_EXISTS;
}

void sp_diagnose(struct sp_diagnosis *diagnosis, enum sp_severity severity, enum sp_status code,
                 const struct sp_place *place, const char *format, ...)
{
    if (severity == SP_SEVERITY_ERROR) {
        diagnosis->errors++;
        if (diagnosis->status == SP_OK || !is_outside(code))
            diagnosis->status = is_outside(code) ? code : SP_ERR_PARSE;
    }
    if (diagnosis->count == SP_DIAGNOSIS_MAX)
        return;
    if (!sp_grow(&diagnosis->findings, &diagnosis->capacity, diagnosis->count, sizeof *diagnosis->findings)) {
        diagnosis->is_out_of_memory = true;
        return;
    }
    struct sp_finding *finding = &diagnosis->findings[diagnosis->count];
    *finding = (struct sp_finding){
        .order = place->order,
        .number = diagnosis->count++,
        .error = {.code = code, .severity = severity},
    };
    locate(place, &finding->error);

    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->error.text, sizeof finding->error.text, format, arguments);
    va_end(arguments);
}

bool sp_diagnosis_is_full(const struct sp_diagnosis *diagnosis)
{
    return diagnosis->is_out_of_memory || diagnosis->count == SP_DIAGNOSIS_MAX;
}

static int compare(const void *left, const void *right)
{
    const struct sp_finding *a = left, *b = right;
    if (a->order != b->order)
        return a->order > b->order ? 1 : -1;
    return a->number > b->number ? 1 : -1;
}

void sp_diagnosis_finish(struct sp_diagnosis *diagnosis)
{
    if (diagnosis->count > 0)
        qsort(diagnosis->findings, diagnosis->count, sizeof *diagnosis->findings, compare);
    for (size_t i = 0; i < diagnosis->count; i++)
        sp_report_add(diagnosis->report, &diagnosis->findings[i].error);
    if (diagnosis->count == SP_DIAGNOSIS_MAX) {
        struct sp_error last = diagnosis->findings[diagnosis->count - 1].error;
        last.line = last.column = 0;
        last.source_line[0] = '\0';
        snprintf(last.text, sizeof last.text, "stopped after %d findings: mend these first",
                 SP_DIAGNOSIS_MAX);
        last.severity = SP_SEVERITY_ERROR;
        sp_report_add(diagnosis->report, &last);
    }
    free(diagnosis->findings);
    diagnosis->findings = NULL;
}

enum sp_status sp_diagnosis_status(const struct sp_diagnosis *diagnosis)
{
    if (diagnosis->is_out_of_memory)
        return SP_ERR_MEMORY;
    /* a text of which only the beginning was read is no policy, even when all findings are warnings */
    if (diagnosis->errors == 0 && diagnosis->count == SP_DIAGNOSIS_MAX)
        return SP_ERR_PARSE;
    return diagnosis->status;
}
