/* SPDX-License-Identifier: ISC
 *
 * What the drivers of Linux 6.12 take, read from their sources. docs/offload.md has the same table for
 * people, and a test holds both together.
 */
#ifndef SP_OFFLOAD_NIC_DRIVERS_H
#define SP_OFFLOAD_NIC_DRIVERS_H

#include <sallyport/offload.h>

struct sp_nic_driver {
    const char *name;          /* as ETHTOOL_GDRVINFO has it */
    uint32_t encryptions;      /* a bit for each of enum sp_encryption */
    enum sp_offload_mode most; /* SP_OFFLOAD_PACKET or SP_OFFLOAD_CRYPTO */
    bool has_esn;
    const char *takes;  /* in words */
    const char *source; /* in Linux' sources */
};

/* NULL: no driver of that name has ESP offload in Linux 6.12. */
const struct sp_nic_driver *sp_nic_driver_find(const char *name);
/* Row by row; NULL behind the last. */
const struct sp_nic_driver *sp_nic_driver_at(size_t row);
bool sp_nic_driver_takes(const struct sp_nic_driver *driver, enum sp_encryption encryption);

#endif
