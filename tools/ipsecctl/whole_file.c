/* SPDX-License-Identifier: ISC
 *
 * rename(2) replaces a file in one step or not at all. Only regular files can be had that way; through a link
 * the file behind it is replaced, not the link.
 */
#include "whole_file.h"

#include "tool.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a signal must remove; set while a temporary file exists. */
static const char *volatile unfinished;

static void remove_unfinished(int signal_number)
{
    if (unfinished)
        unlink(unfinished);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

static void guard(const char *temporary)
{
    static const int ends[] = {SIGINT, SIGTERM, SIGHUP};
    unfinished = temporary;
    const struct sigaction action = {.sa_handler = temporary ? remove_unfinished : SIG_DFL};
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct sigaction former;
        if (sigaction(ends[i], NULL, &former) == 0 && former.sa_handler != SIG_IGN)
            sigaction(ends[i], &action, NULL);
    }
}

/* A new file's mode is the user's umask's business; a replaced file keeps its own. */
static mode_t mode_of_new_file(void)
{
    const mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

static int open_temporary(struct whole_file *file, mode_t mode)
{
    file->temporary = tool_text("%s.XXXXXX", file->target);
    const int fd = mkstemp(file->temporary);
    if (fd < 0) {
        const int error = errno;
        free(file->temporary);
        file->temporary = NULL;
        return error;
    }
    guard(file->temporary);
    file->stream = fchmod(fd, mode) == 0 ? fdopen(fd, "wb") : NULL;
    if (file->stream)
        return 0;
    const int error = errno;
    close(fd);
    return error;
}

static int open_directly(struct whole_file *file, const char *path)
{
    file->stream = strcmp(path, "-") == 0 ? stdout : fopen(path, "wb");
    return file->stream ? 0 : errno;
}

int whole_file_open(const char *path, struct whole_file *ret_file)
{
    struct stat status;
    struct whole_file file = {0};
    const bool is_there = stat(path, &status) == 0;
    int error;
    if (strcmp(path, "-") == 0 || (is_there && !S_ISREG(status.st_mode))) {
        error = open_directly(&file, path);
    } else {
        file.target = is_there ? realpath(path, NULL) : strdup(path);
        tool_need(file.target);
        error = open_temporary(&file, is_there ? status.st_mode & 0777 : mode_of_new_file());
    }
    if (error)
        whole_file_abandon(&file);
    else
        *ret_file = file;
    return error;
}

int whole_file_keep(struct whole_file *file)
{
    if (!file->temporary)
        return 0;
    if (rename(file->temporary, file->target) != 0)
        return errno;
    guard(NULL);
    free(file->temporary);
    file->temporary = NULL;
    return 0;
}

void whole_file_abandon(struct whole_file *file)
{
    if (file->temporary) {
        unlink(file->temporary);
        guard(NULL);
    }
    free(file->temporary);
    free(file->target);
    *file = (struct whole_file){0};
}
