/* SPDX-License-Identifier: ISC
 *
 * XFRM messages, and ethtool's: no byte outside of a message is read, keys lie within it, and what was read
 * can be written and read again.
 */
#include "fuzz.h"

#include "nic/ethtool_codec.h"
#include "xfrm/xfrm.h"

#include <string.h>

static void expect_within(const struct sp_xfrm_algorithm *algorithm, const uint8_t *bytes, size_t size)
{
    FUZZ_HOLDS(memchr(algorithm->name, '\0', sizeof algorithm->name) != NULL);
    FUZZ_HOLDS((algorithm->key == NULL) == (algorithm->key_bits == 0));
    if (algorithm->key != NULL)
        FUZZ_HOLDS(algorithm->key >= bytes && algorithm->key + (algorithm->key_bits + 7) / 8 <= bytes + size);
}

static void expect_keys_within(const struct sp_xfrm_message *message, const uint8_t *bytes, size_t size)
{
    switch (message->type) {
    case XFRM_MSG_NEWSA:
    case XFRM_MSG_UPDSA:
    case XFRM_MSG_DELSA:
    case XFRM_MSG_GETSA:
    case XFRM_MSG_EXPIRE:
    case XFRM_MSG_ALLOCSPI:
        expect_within(&message->sa.encryption, bytes, size);
        expect_within(&message->sa.integrity, bytes, size);
        expect_within(&message->sa.aead, bytes, size);
        break;
    default:
        break;
    }
}

/* Once written, a message is the same however often it is read and written. */
static void write_and_read(const struct sp_xfrm_message *message)
{
    static _Alignas(8) char first[SP_XFRM_MESSAGE_BYTES_MAX], second[SP_XFRM_MESSAGE_BYTES_MAX];
    static struct sp_xfrm_message again;
    const size_t first_bytes = sp_xfrm_encode(message, first, sizeof first);
    FUZZ_HOLDS(first_bytes > 0);
    FUZZ_HOLDS(sp_xfrm_decode(first, first_bytes, &again) == SP_XFRM_READ);
    const size_t second_bytes = sp_xfrm_encode(&again, second, sizeof second);
    FUZZ_HOLDS(second_bytes == first_bytes && memcmp(first, second, first_bytes) == 0);
}

/* What it says of a feature is one of the states. */
static void read_ethtool(const uint8_t *bytes, size_t size)
{
    enum sp_offload_feature_state states[SP_OFFLOAD_FEATURE_COUNT];
    uint16_t family;

    (void)sp_ethtool_read_family(bytes, size, &family);
    if (sp_ethtool_read_features(bytes, size, states))
        for (int i = 0; i < SP_OFFLOAD_FEATURE_COUNT; i++)
            FUZZ_HOLDS(states[i] <= SP_OFFLOAD_FEATURE_ON);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct sp_xfrm_message message;
    struct sp_xfrm_answer answer;
    uint8_t *bytes = malloc(size + 1);
    FUZZ_HOLDS(bytes != NULL);
    memcpy(bytes, data, size);
    if (sp_xfrm_decode(bytes, size, &message) == SP_XFRM_READ) {
        expect_keys_within(&message, bytes, size);
        write_and_read(&message);
    }
    if (sp_xfrm_decode_answer(bytes, size, &answer)) {
        FUZZ_HOLDS(memchr(answer.text, '\0', sizeof answer.text) != NULL);
        FUZZ_HOLDS(answer.error >= 0);
    }
    read_ethtool(bytes, size);
    free(bytes);
    return 0;
}
