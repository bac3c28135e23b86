/* SPDX-License-Identifier: ISC
 *
 * The table of drivers, and what is told from it.
 */
#include "nic/drivers.h"

#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Test(nic_drivers, only_nfp_and_a_bond_of_it_take_3des)
{
    for (size_t row = 0; sp_nic_driver_at(row) != NULL; row++) {
        const struct sp_nic_driver *driver = sp_nic_driver_at(row);
        const bool is_nfp = strcmp(driver->name, "nfp") == 0 || strcmp(driver->name, "bonding") == 0;
        cr_expect_eq(sp_nic_driver_takes(driver, SP_ENCRYPTION_3DES_CBC), is_nfp, "%s", driver->name);
        cr_expect(sp_nic_driver_takes(driver, SP_ENCRYPTION_AES128_GCM16), "%s", driver->name);
        cr_expect_eq(driver->most == SP_OFFLOAD_PACKET, strcmp(driver->name, "mlx5_core") == 0);
        cr_expect_eq(sp_nic_driver_find(driver->name), driver);
    }
    cr_expect_null(sp_nic_driver_find("virtio_net"));
    cr_expect_null(sp_nic_driver_find(""));
    cr_expect_not(sp_nic_driver_takes(sp_nic_driver_find("ixgbe"), SP_ENCRYPTION_AES256_GCM16));
}

static bool has_line(FILE *in, const char *line)
{
    char text[512];

    rewind(in);
    while (fgets(text, sizeof text, in) != NULL)
        if (strncmp(text, line, strlen(line)) == 0)
            return true;
    return false;
}

Test(nic_drivers, the_document_has_the_same_rows)
{
    char path[1024], line[512];
    const char *source = getenv("SP_SOURCE");

    if (source == NULL)
        cr_skip("SP_SOURCE doesn't say where the document is");
    snprintf(path, sizeof path, "%s/docs/offload.md", source);
    FILE *in = fopen(path, "r");
    cr_assert_not_null(in);
    for (size_t row = 0; sp_nic_driver_at(row) != NULL; row++) {
        const struct sp_nic_driver *driver = sp_nic_driver_at(row);
        snprintf(line, sizeof line, "| `%s` | %s | %s | %s | `%s` |", driver->name, driver->takes,
                 sp_offload_mode_name(driver->most), driver->has_esn ? "yes" : "no", driver->source);
        cr_expect(has_line(in, line), "docs/offload.md has no line %s", line);
    }
    fclose(in);
}

Test(nic_drivers, a_device_that_is_not_there_is_told)
{
    struct sp_offload_device device;

    cr_expect_eq(sp_offload_device_probe("nosuch0", NULL, NULL, &device), SP_ERR_NOT_FOUND);
    cr_expect_eq(sp_offload_device_probe("a-name-that-is-longer-than-any-device's", NULL, NULL, &device),
                 SP_ERR_NOT_FOUND);
}

static void count(const struct sp_offload_suite *suite, void *context)
{
    ++*(int *)context;
    cr_expect_not(suite->is_known, "lo tells no driver");
    if (suite->is_asked && suite->is_there)
        cr_expect_eq(suite->granted, SP_OFFLOAD_SOFTWARE);
}

Test(nic_drivers, the_loopback_device_offloads_nothing)
{
    struct sp_offload_device device;
    int suites = 0;

    cr_assert_eq(sp_offload_device_probe("lo", count, &suites, &device), SP_OK);
    cr_expect_eq(suites, 2 * 3 + 2, "two ciphers with three hashes, and two of AES-GCM");
    cr_expect_str_eq(device.driver, "");
    for (int i = 0; device.has_features && i < SP_OFFLOAD_FEATURE_COUNT; i++)
        cr_expect_neq(device.features[i], SP_OFFLOAD_FEATURE_ON);
}
