/* SPDX-License-Identifier: ISC
 *
 * The probe of the kernel that this test runs on, whatever that has.
 */
#include <sallyport/offload.h>

#include <criterion/criterion.h>
#include <linux/netlink.h>

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static bool kernel_has_the_socket(void)
{
    int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_XFRM);

    if (descriptor < 0) {
        cr_assert_eq(errno, EPROTONOSUPPORT);
        return false;
    }
    close(descriptor);
    return true;
}

Test(kernel_probe, says_whether_this_kernel_has_ipsec)
{
    struct sp_offload_kernel kernel;
    enum sp_status status = sp_offload_kernel_probe(&kernel);

    if (status == SP_ERR_PERMISSION) {
        cr_expect_neq(geteuid(), 0);
        cr_skip("only root may ask the kernel for its SAs");
    }
    cr_assert_eq(status, SP_OK);
    cr_expect_eq(kernel.has_xfrm, kernel_has_the_socket());
    cr_expect_str_neq(kernel.text, "");
}

Test(kernel_probe, leaves_no_descriptor_open)
{
    struct sp_offload_kernel kernel;
    int before = dup(STDIN_FILENO);

    cr_assert_geq(before, 0);
    close(before);
    for (int i = 0; i < 10; i++)
        (void)!sp_offload_kernel_probe(&kernel);
    int after = dup(STDIN_FILENO);
    cr_expect_eq(after, before);
    close(after);
}
