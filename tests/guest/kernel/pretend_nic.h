/* SPDX-License-Identifier: ISC
 *
 * Lets netdevsim pretend to be a NIC that takes 3DES-CBC with HMAC-SHA1, and packet offload.
 *
 * Few NICs do, and none is in a test machine; netdevsim, like most, takes AES-GCM only. build includes this
 * in drivers/net/netdevsim/ipsec.c and calls it in three places. Unless the kernel's command line says
 * netdevsim.takes_3des=1, or somebody writes 1 to /sys/module/netdevsim/parameters/takes_3des, netdevsim
 * stays as Linux has it: same answers, same sentences.
 */
#ifndef SALLYPORT_PRETEND_NIC_H
#define SALLYPORT_PRETEND_NIC_H

#include <linux/moduleparam.h>

static bool pretend_nic_takes_3des;
module_param_named(takes_3des, pretend_nic_takes_3des, bool, 0644);

static bool pretend_nic_takes_mode(u8 offload_type)
{
    return offload_type == XFRM_DEV_OFFLOAD_CRYPTO ||
           (pretend_nic_takes_3des && offload_type == XFRM_DEV_OFFLOAD_PACKET);
}

static bool pretend_nic_takes_keys(const struct xfrm_state *xs, u32 *ret_key, u32 *ret_salt)
{
    if (!pretend_nic_takes_3des || xs->ealg == NULL || xs->aalg == NULL)
        return false;
    if (strcmp(xs->ealg->alg_name, "cbc(des3_ede)") != 0 || strcmp(xs->aalg->alg_name, "hmac(sha1)") != 0)
        return false;
    memcpy(ret_key, xs->ealg->alg_key, 16); /* as many as netdevsim keeps of any key */
    *ret_salt = 0;
    return true;
}

static int pretend_nic_policy_add(struct xfrm_policy *policy, struct netlink_ext_ack *extack)
{
    if (pretend_nic_takes_3des)
        return 0;
    NL_SET_ERR_MSG(extack, "Policy offload is not supported"); /* what Linux says for a driver without it */
    return -EINVAL;
}

static void pretend_nic_policy_gone(struct xfrm_policy *policy)
{
}

#define PRETEND_NIC_POLICY_OPS                                                                               \
    .xdo_dev_policy_add = pretend_nic_policy_add, .xdo_dev_policy_delete = pretend_nic_policy_gone,          \
    .xdo_dev_policy_free = pretend_nic_policy_gone

#endif
