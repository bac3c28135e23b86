/* SPDX-License-Identifier: ISC
 *
 * The file is named after the network namespace, and is a note for people: nothing is decided by it.
 */
#include "grants.h"

#include "daemon.h"
#include "table.h"
#include "terminal.h"
#include "tool.h"
#include "whole_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "/run/sallyport"

static json_t *address_text(const struct sp_address *address)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    return json_text(sp_address_format(address, text));
}

static void push_refusal(json_t *refusals, const char *mode, const char *why)
{
    if (why[0] == '\0')
        return;
    json_t *refusal = tool_need(json_object());
    json_put(refusal, "mode", json_text(mode));
    json_put(refusal, "why", json_text(why));
    json_push(refusals, refusal);
}

json_t *grant_json(const struct sp_offload_grant *grant)
{
    json_t *refusals = tool_need(json_array());
    push_refusal(refusals, sp_offload_mode_name(SP_OFFLOAD_PACKET), grant->packet_refusal);
    push_refusal(refusals, sp_offload_mode_name(SP_OFFLOAD_CRYPTO), grant->crypto_refusal);
    push_refusal(refusals, "kernel", grant->kernel_refusal);
    json_t *object = tool_need(json_object());
    json_put(object, "spi", json_number(grant->spi));
    json_put(object, "source", address_text(&grant->source));
    json_put(object, "destination", address_text(&grant->destination));
    json_put(object, "requested", json_text(sp_offload_mode_name(grant->requested)));
    json_put(object, "granted", json_text(sp_offload_mode_name(grant->granted)));
    json_put(object, "device", grant->device[0] != '\0' ? json_text(grant->device) : json_null());
    json_put(object, "refusals", refusals);
    return object;
}

/* ---- what the daemon took -------------------------------------------------------------------------------
 */

static const json_t *find_same(const json_t *grants, const json_t *sa)
{
    size_t i;
    const json_t *grant;
    json_array_foreach(grants, i, grant)
    {
        if (daemon_number(grant, "spi") == daemon_number(sa, "spi") &&
            strcmp(daemon_text(grant, "destination"), daemon_text(sa, "destination")) == 0)
            return grant;
    }
    return NULL;
}

static const char *reason_of(const json_t *refusals, const char *mode, const char *otherwise)
{
    size_t i;
    const json_t *refusal;
    json_array_foreach(refusals, i, refusal)
    {
        if (strcmp(daemon_text(refusal, "mode"), mode) == 0)
            return daemon_text(refusal, "why");
    }
    return otherwise;
}

json_t *grants_of_daemon(const json_t *sas, const json_t *refused, const char *why)
{
    static const char *const modes[] = {"packet", "crypto", "kernel"};
    json_t *grants = tool_need(json_array());
    size_t i;
    const json_t *sa;
    json_array_foreach(sas, i, sa)
    {
        json_t *grant = tool_need(json_object()), *refusals = tool_need(json_array());
        const json_t *known = refused ? json_object_get(find_same(refused, sa), "refusals") : NULL;
        for (size_t k = 0; refused && k < sizeof modes / sizeof *modes; k++)
            push_refusal(refusals, modes[k], reason_of(known, modes[k], why));
        json_put(grant, "spi", json_number(daemon_number(sa, "spi")));
        json_put(grant, "source", json_text(daemon_text(sa, "source")));
        json_put(grant, "destination", json_text(daemon_text(sa, "destination")));
        json_put(grant, "requested", json_text(refused ? "auto" : "user"));
        json_put(grant, "granted", json_text("user"));
        json_put(grant, "device", json_null());
        json_put(grant, "refusals", refusals);
        json_push(grants, grant);
    }
    return grants;
}

json_t *grants_of_daemon_still(const json_t *noted, const json_t *sas)
{
    json_t *grants = tool_need(json_array());
    size_t i;
    json_t *grant;
    json_array_foreach(noted, i, grant)
    {
        if (strcmp(daemon_text(grant, "granted"), "user") == 0 && find_same(sas, grant))
            json_push(grants, json_incref(grant));
    }
    return grants;
}

static void add_row(struct table *table, const json_t *grant, const json_t *refusal)
{
    char spi[11];
    table_add(table, "%s", daemon_spi(grant, spi));
    table_add(table, "%s", daemon_text(grant, "destination"));
    table_add(table, "%s", daemon_text(grant, "requested"));
    table_add(table, "%s", daemon_text(grant, "granted"));
    table_add(table, "%s",
              json_is_string(json_object_get(grant, "device")) ? daemon_text(grant, "device") : "-");
    if (refusal)
        table_add(table, "no %s: %s", daemon_text(refusal, "mode"), daemon_text(refusal, "why"));
    else
        table_add(table, "-");
}

void grants_print(const json_t *grants)
{
    struct table *table = table_create("SPI|TO|REQUESTED|GRANTED|DEVICE|WHY NOT MORE");
    size_t i, k;
    const json_t *grant, *refusal;
    json_array_foreach(grants, i, grant)
    {
        const json_t *refusals = json_object_get(grant, "refusals");
        if (json_array_size(refusals) == 0)
            add_row(table, grant, NULL);
        json_array_foreach(refusals, k, refusal) add_row(table, grant, refusal);
    }
    if (table_rows(table) > 0) {
        putchar('\n');
        table_print(table, stdout, terminal_is(stdout));
    }
    table_destroy(&table);
}

/* ---- the file -------------------------------------------------------------------------------------------
 */

static const char *path_of(char *path, size_t path_bytes)
{
    struct stat namespace = {0};
    (void)stat("/proc/self/ns/net", &namespace);
    snprintf(path, path_bytes, FOLDER "/nic-%llu.json", (unsigned long long)namespace.st_ino);
    return path;
}

static int write_file(const char *path, const json_t *grants)
{
    struct whole_file file;
    if (mkdir(FOLDER, 0755) != 0 && errno != EEXIST)
        return errno;
    int error = whole_file_open(path, &file);
    if (error)
        return error;
    if (json_dumpf(grants, file.stream, JSON_INDENT(2)) != 0 || fflush(file.stream) != 0)
        error = EIO;
    if (!error)
        error = whole_file_keep(&file);
    if (error)
        whole_file_abandon(&file);
    fclose(file.stream);
    return error;
}

int grants_save(const json_t *grants)
{
    char path[96];
    path_of(path, sizeof path);
    if (json_array_size(grants) > 0)
        return write_file(path, grants);
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

json_t *grants_read(void)
{
    char path[96];
    json_t *grants = json_load_file(path_of(path, sizeof path), 0, NULL);
    if (json_is_array(grants))
        return grants;
    json_decref(grants);
    return tool_need(json_array());
}

const json_t *grants_find(const json_t *grants, uint32_t spi, const struct sp_address *destination)
{
    char text[SP_ADDRESS_TEXT_BYTES];
    sp_address_format(destination, text);
    size_t i;
    const json_t *grant;
    json_array_foreach(grants, i, grant)
    {
        if (daemon_number(grant, "spi") == spi && strcmp(daemon_text(grant, "destination"), text) == 0)
            return grant;
    }
    return NULL;
}
