/* SPDX-License-Identifier: ISC
 *
 * Addresses as people write them (RFC 4291 2.2, RFC 5952 for what we write ourselves).
 *
 * The C library's inet_pton takes exactly the four-part decimal form for IPv4 and refuses the historic
 * octal and short ones, which is what a security policy wants.
 */
#include <sallyport/sa.h>

#include "core/misuse.h"

#include <arpa/inet.h>
#include <string.h>

enum sp_status sp_address_parse(const char *text, struct sp_address *ret_address)
{
    SP_REQUIRE(text != NULL && ret_address != NULL);
    struct sp_address address = {0};
    if (inet_pton(AF_INET, text, address.bytes) == 1)
        address.family = 4;
    else if (inet_pton(AF_INET6, text, address.bytes) == 1)
        address.family = 6;
    else
        return SP_ERR_PARSE;
    *ret_address = address;
    return SP_OK;
}

const char *sp_address_format(const struct sp_address *address, char *text)
{
    SP_REQUIRE(address != NULL && text != NULL);
    int family = address->family == 4 ? AF_INET : AF_INET6;
    if (inet_ntop(family, address->bytes, text, SP_ADDRESS_TEXT_BYTES) == NULL)
        text[0] = '\0';
    return text;
}
