/* SPDX-License-Identifier: ISC
 *
 * The audit log (RFC 4303 4, RFC 4301 5): what a security officer asks for afterwards. sallyportd(8) has each
 * event with its fields. All of it is the control thread's: the data path counts, and keeps the first packets
 * of each reason between two looks.
 */
#ifndef SALLYPORTD_AUDIT_H
#define SALLYPORTD_AUDIT_H

#include "daemon.h"

#include <sallyport/engine.h>

/* False after saying why. */
bool audit_open(struct daemon *daemon);
/* What is left to tell, and that it ends. */
void audit_close(struct daemon *daemon);

/* A policy is in force: cause is "start", "reload", "load", "flush",
 * "rollback", "addresses". */
void audit_policy(struct daemon *daemon, const char *cause);
/* A reload was refused, or failed. The file of the log is opened anew by each reload. */
void audit_refusal(struct daemon *daemon);
void audit_reopen(struct daemon *daemon);
void audit_sa_added(struct daemon *daemon, const struct known_sa *sa, const struct sp_sa_info *info);
void audit_sa_deleted(struct daemon *daemon, const struct known_sa *sa);
/* Of an SA that reached a soft or a hard limit. */
void audit_expiry(struct daemon *daemon, const struct sp_event *event);
/* The state knew SAs. */
void audit_state(struct daemon *daemon, uint32_t known, bool is_exact);
/* Somebody damaged a part of what holds the host to its policy: "nftables", "kernel-policies", "device",
 * "routes". */
void audit_damage(struct daemon *daemon, const char *part, bool is_repaired);
void audit_packet(struct daemon *daemon, const struct sp_dropped *dropped);
/* Before the guard's counters start over, and now and then: clear text that nftables refused. */
void audit_clear_text(struct daemon *daemon);
/* Each second. */
void audit_tick(struct daemon *daemon);

#endif
