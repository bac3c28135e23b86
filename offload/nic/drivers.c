/* SPDX-License-Identifier: ISC
 *
 * The table. A bond takes what its active device takes, so it has all.
 */
#include "nic/drivers.h"

#include <string.h>

#define BIT(encryption) (1u << (encryption))
#define GCM128 BIT(SP_ENCRYPTION_AES128_GCM16)
#define GCM (GCM128 | BIT(SP_ENCRYPTION_AES256_GCM16))
#define ALL (GCM | BIT(SP_ENCRYPTION_NULL) | BIT(SP_ENCRYPTION_3DES_CBC))

static const struct sp_nic_driver drivers[] = {
    {"bonding", ALL, SP_OFFLOAD_CRYPTO, true, "what its active device takes, crypto only",
     "drivers/net/bonding/bond_main.c"},
    {"cxgb4", GCM, SP_OFFLOAD_CRYPTO, true,
     "AES-GCM of 128 and 256 bits, with the module ch_ipsec; not in UDP",
     "drivers/net/ethernet/chelsio/inline_crypto/ch_ipsec/chcr_ipsec.c"},
    {"ixgbe", GCM128, SP_OFFLOAD_CRYPTO, false, "AES-GCM of 128 bits, in transport mode",
     "drivers/net/ethernet/intel/ixgbe/ixgbe_ipsec.c"},
    {"ixgbevf", GCM128, SP_OFFLOAD_CRYPTO, false,
     "AES-GCM of 128 bits, in transport mode, where the host's ixgbe lets it",
     "drivers/net/ethernet/intel/ixgbevf/ipsec.c"},
    {"mlx5_core", GCM, SP_OFFLOAD_PACKET, true,
     "AES-GCM of 128 and 256 bits; whole packets with windows of 64, 128 or 256 and TCP, UDP or any protocol",
     "drivers/net/ethernet/mellanox/mlx5/core/en_accel/ipsec.c"},
    {"netdevsim", GCM, SP_OFFLOAD_CRYPTO, false, "AES-GCM, and encrypts nothing: it is for tests",
     "drivers/net/netdevsim/ipsec.c"},
    {"nfp", ALL, SP_OFFLOAD_CRYPTO, false,
     "AES-GCM of 128 and 256 bits, 3DES and null with HMAC-SHA1, SHA2-256 and MD5; NFP3800: no 3DES, no MD5",
     "drivers/net/ethernet/netronome/nfp/crypto/ipsec.c"},
};

const struct sp_nic_driver *sp_nic_driver_at(size_t row)
{
    return row < sizeof drivers / sizeof *drivers ? &drivers[row] : NULL;
}

const struct sp_nic_driver *sp_nic_driver_find(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (strcmp(drivers[i].name, name) == 0)
            return &drivers[i];
    return NULL;
}

bool sp_nic_driver_takes(const struct sp_nic_driver *driver, enum sp_encryption encryption)
{
    return (driver->encryptions >> encryption & 1) != 0;
}
