/* SPDX-License-Identifier: ISC
 *
 * What HTTP headers say, without any HTTP around it.
 */
#include "http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Host ---------------------------------------------------------------------------------------------- */

#define HOST_BYTES_MAX 255

static bool is_port(const char *text)
{
    return *text == '\0' || (*text == ':' && strspn(text + 1, "0123456789") == strlen(text + 1));
}

/* Cuts the port off; the brackets of an IPv6 address too. False: it is no host at all. */
static bool host_alone(const char *host, char *text)
{
    const bool is_six = *host == '[';
    const char *start = host + is_six;
    const size_t len_bytes = strcspn(start, is_six ? "]" : ":");
    const char *rest = start + len_bytes;
    if (len_bytes == 0 || len_bytes > HOST_BYTES_MAX || (is_six && *rest != ']') || !is_port(rest + is_six))
        return false;
    memcpy(text, start, len_bytes);
    text[len_bytes] = '\0';
    return true;
}

bool http_is_own_name(const char *host, const char *own_name)
{
    char text[HOST_BYTES_MAX + 1];
    unsigned char address[sizeof(struct in6_addr)];
    if (!host || !host_alone(host, text))
        return false;
    if (*host == '[')
        return inet_pton(AF_INET6, text, address) == 1;
    return inet_pton(AF_INET, text, address) == 1 || strcasecmp(text, "localhost") == 0 ||
           (*own_name && strcasecmp(text, own_name) == 0);
}

/* ---- Accept -------------------------------------------------------------------------------------------- */

/* One of the header's parts, "text/plain;version=0.0.4;q=0.5": its type, and how much it is liked. */
struct liking {
    char type[64];
    double quality;
    bool is_readable; /* of a version that we write */
};

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = '\0';
    return text;
}

static struct liking read_liking(char *part)
{
    struct liking liking = {.quality = 1.0, .is_readable = true};
    char *rest = part;
    const char *type = trim(strsep(&rest, ";"));
    if (strlen(type) < sizeof liking.type)
        strcpy(liking.type, type);
    while (rest) {
        const char *parameter = trim(strsep(&rest, ";"));
        if (strncasecmp(parameter, "q=", 2) == 0)
            liking.quality = strtod(parameter + 2, NULL);
        else if (strncasecmp(parameter, "version=", 8) == 0)
            liking.is_readable = strcmp(parameter + 8, "1.0.0") == 0 || strcmp(parameter + 8, "0.0.4") == 0;
    }
    return liking;
}

static double best(double one, double other)
{
    return other > one ? other : one;
}

bool http_wants_openmetrics(const char *accept)
{
    double openmetrics = 0, text = 0;
    char *copy = strdup(accept), *rest = copy;
    while (rest) {
        const struct liking liking = read_liking(strsep(&rest, ","));
        if (!liking.is_readable)
            continue;
        if (strcasecmp(liking.type, "application/openmetrics-text") == 0)
            openmetrics = best(openmetrics, liking.quality);
        else if (strcasecmp(liking.type, "text/plain") == 0 || strcasecmp(liking.type, "text/*") == 0)
            text = best(text, liking.quality);
    }
    free(copy);
    return openmetrics > 0 && openmetrics >= text;
}
