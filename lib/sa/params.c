/* SPDX-License-Identifier: ISC
 *
 * What may become an SA, and why the rest may not.
 *
 * All that can be wrong with an SA is found here, before anything is allocated or changed, and each refusal
 * says what would be right: whoever typed a key in the middle of the night needs a number, not a code.
 *
 * Sources: RFC 4303 2.1 (reserved SPIs), RFC 2451 2.3 and SP 800-67 (3DES keys), RFC 4301 4.4.2.1.
 */
#include "sa/params.h"

#include "core/misuse.h"
#include "crypto/suite.h"
#include "sa/lifetime.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 3, 4))) static enum sp_status refuse(enum sp_status status, char *reason,
                                                                   const char *format, ...)
{
    if (reason == NULL)
        return status;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, SP_REASON_BYTES, format, arguments);
    va_end(arguments);
    return status;
}

static bool is_family(uint8_t family)
{
    return family == 4 || family == 6;
}

static enum sp_status check_addresses(const struct sp_sa_params *params, char *reason)
{
    uint8_t source = params->source.family, destination = params->destination.family;
    if (!is_family(source) || !is_family(destination))
        return refuse(SP_ERR_INVALID, reason,
                      "the source and the destination must be IPv4 or IPv6 addresses");
    if (source != destination)
        return refuse(SP_ERR_INVALID, reason,
                      "the source is an IPv%u address and the destination an IPv%u one; both must be of the "
                      "same family",
                      source, destination);
    return SP_OK;
}

static enum sp_status check_suite(const struct sp_sa_params *params, char *reason)
{
    if ((unsigned)params->mode >= SP_MODE_COUNT)
        return refuse(SP_ERR_INVALID, reason, "the mode must be transport or tunnel");
    if ((unsigned)params->encryption >= SP_ENCRYPTION_COUNT)
        return refuse(SP_ERR_INVALID, reason,
                      "the encryption must be 3des-cbc, aes128-gcm16, aes256-gcm16 or null");
    if ((unsigned)params->integrity >= SP_INTEGRITY_COUNT)
        return refuse(SP_ERR_INVALID, reason,
                      "the integrity must be hmac-sha1-96, hmac-sha2-256-128 or hmac-md5-96");
    if (!sp_suite_is_one(params->encryption, params->integrity))
        return refuse(SP_ERR_INVALID, reason,
                      "AES-GCM has its integrity built in (combined), and only AES-GCM has");
    return SP_OK;
}

static enum sp_status check_tunnel(const struct sp_sa_params *params, char *reason)
{
    const struct sp_tunnel *tunnel = &params->tunnel;

    if ((unsigned)tunnel->df >= SP_TUNNEL_DF_COUNT)
        return refuse(SP_ERR_INVALID, reason, "the tunnel's DF must be copy, set or clear");
    if (tunnel->dscp > SP_DSCP_MAX)
        return refuse(SP_ERR_INVALID, reason, "the tunnel's DSCP must be at most %u, not %u", SP_DSCP_MAX,
                      tunnel->dscp);
    if (params->mode == SP_MODE_TUNNEL && !tunnel->has_dscp && tunnel->dscp != 0)
        return refuse(SP_ERR_INVALID, reason,
                      "the tunnel has no DSCP of its own (has_dscp), so it must be 0, not %u", tunnel->dscp);
    if (params->mode != SP_MODE_TUNNEL &&
        (tunnel->df != SP_TUNNEL_DF_COPY || tunnel->has_dscp || tunnel->dscp != 0 || tunnel->has_no_ecn))
        return refuse(SP_ERR_INVALID, reason, "DF, DSCP and ECN can be chosen in tunnel mode only");
    return SP_OK;
}

static enum sp_status check_key_length(const char *name, size_t right_bytes, const uint8_t *key,
                                       size_t key_bytes, char *reason)
{
    if (key_bytes != right_bytes && right_bytes == 0)
        return refuse(SP_ERR_KEY_LENGTH, reason, "%s takes no key, not one of %zu bytes", name, key_bytes);
    if (key_bytes != right_bytes)
        return refuse(SP_ERR_KEY_LENGTH, reason, "%s needs a key of %zu bytes, not %zu", name, right_bytes,
                      key_bytes);
    SP_REQUIRE(key != NULL || key_bytes == 0);
    return SP_OK;
}

static enum sp_status check_keys(const struct sp_sa_params *params, char *reason)
{
    const struct sp_cipher *cipher = sp_cipher_ops(params->encryption);
    const struct sp_hmac *hmac = sp_hmac_ops(params->integrity);
    enum sp_status status = check_key_length(cipher->name, cipher->key_bytes, params->encryption_key,
                                             params->encryption_key_bytes, reason);
    if (status == SP_OK)
        status = check_key_length(hmac->name, hmac->key_bytes, params->integrity_key,
                                  params->integrity_key_bytes, reason);
    if (status != SP_OK || params->encryption != SP_ENCRYPTION_3DES_CBC)
        return status;
    const char *fault = sp_tdes_key_fault(params->encryption_key);
    if (fault != NULL)
        return refuse(SP_ERR_WEAK_KEY, reason, "%s", fault);
    return SP_OK;
}

static enum sp_status check_limits(const struct sp_sa_params *params, char *reason)
{
    uint32_t window = params->replay_window_packets;
    if (window != 0 && (window < SP_REPLAY_WINDOW_MIN || window > SP_REPLAY_WINDOW_MAX || window % 64 != 0))
        return refuse(SP_ERR_INVALID, reason,
                      "the replay window must be %u to %u packets in steps of 64, not %u",
                      SP_REPLAY_WINDOW_MIN, SP_REPLAY_WINDOW_MAX, window);
    if ((params->encap.source_port == 0) != (params->encap.destination_port == 0))
        return refuse(SP_ERR_INVALID, reason,
                      "UDP encapsulation takes two ports of 1 to 65535, %u to %u as a rule", SP_ENCAP_PORT,
                      SP_ENCAP_PORT);
    if (!params->has_lifetime)
        return SP_OK;
    const char *fault = sp_lifetime_fault(&params->lifetime, params->encryption);
    if (fault != NULL)
        return refuse(SP_ERR_INVALID, reason, "%s", fault);
    return SP_OK;
}

enum sp_status sp_sa_params_check(const struct sp_sa_params *params, char *reason)
{
    if (params->spi < SP_SPI_MIN)
        return refuse(SP_ERR_SPI, reason, "SPI %u is reserved; use one of %u or more", params->spi,
                      SP_SPI_MIN);
    enum sp_status status = check_addresses(params, reason);
    if (status == SP_OK)
        status = check_suite(params, reason);
    if (status == SP_OK)
        status = check_tunnel(params, reason);
    if (status == SP_OK)
        status = check_keys(params, reason);
    if (status == SP_OK)
        status = check_limits(params, reason);
    return status;
}

/* The key of this hash is public and the same everywhere: it only sets fingerprints apart from other hashes
 * of the same keys. An attacker who could guess 168 key bits to compare with would not need it. Each name's
 * terminating NUL and the fixed key lengths keep the parts apart. */
void sp_sa_fingerprint(const struct sp_sa_params *params, char ret_text[17])
{
    SP_REQUIRE(params != NULL && ret_text != NULL);
    static const uint8_t domain[] = "sallyport SA fingerprint";
    const char *cipher = sp_cipher_ops(params->encryption)->name;
    const char *hmac = sp_hmac_ops(params->integrity)->name;
    crypto_generichash_state state;
    uint8_t digest[crypto_generichash_BYTES];

    crypto_generichash_init(&state, domain, sizeof domain - 1, sizeof digest);
    crypto_generichash_update(&state, (const uint8_t *)cipher, strlen(cipher) + 1);
    crypto_generichash_update(&state, (const uint8_t *)hmac, strlen(hmac) + 1);
    if (params->encryption_key_bytes > 0)
        crypto_generichash_update(&state, params->encryption_key, params->encryption_key_bytes);
    if (params->integrity_key_bytes > 0)
        crypto_generichash_update(&state, params->integrity_key, params->integrity_key_bytes);
    crypto_generichash_final(&state, digest, sizeof digest);
    sodium_bin2hex(ret_text, 17, digest, 8);
    sodium_memzero(&state, sizeof state);
    sodium_memzero(digest, sizeof digest);
}
