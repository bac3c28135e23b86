/* SPDX-License-Identifier: ISC
 *
 * How the tools talk to a running sallyportd: one question, one answer, over a UNIX stream socket.
 *
 * The client connects, sends one JSON object and a newline, and reads one JSON object up to the end of the
 * stream; the daemon then closes. The socket is mode 0600: who may open it may know everything in here, and
 * there is never a key in it.
 *
 * Questions
 *   {"ask": "status"}
 *   {"ask": "policy"}
 *   {"ask": "reload"}                                        with "confirm_seconds": 30, on trial for so long
 *                                                          with "strict": true, refused if there are warnings
 *   {"ask": "confirm"}                                       what is on trial
 *
 * "reload" reads the policy and the keys again and puts them in force, all of it or nothing:
 *   {"ok": true, "generation": 2, "rules": 12,
 *    "sas": {"kept": 3, "added": 1, "removed": 1},
 *    "confirm_seconds": 30,                                  null: not on trial
 *    "log": "what the daemon logged, warnings with their places among it"}
 * or {"ok": false, "error": "one sentence", "is_text_wrong": true, "log": "file:line:column: error: ..."}.
 * The answer to "confirm": {"ok": true, "generation": 2}.
 *
 * The answer to "policy" is the canonical text of the policy in force: {"ok": true, "policy": "text"}.
 * An answer that is a refusal is {"ok": false, "error": "one sentence"}. The answer to "status":
 *
 *   {
 *     "ok": true,
 *     "version": "0.1.0",
 *     "pid": 4711,
 *     "uptime_seconds": 12,
 *     "backend": "user",
 *     "kernel": "what the kernel itself offers, one sentence",
 *     "device": {"name": "sally0", "mtu_bytes": 1500, "mark": 23057, "table": 23057},
 *                                                            mtu_bytes: of a packet before it is sealed
 *     "narrow_paths": [{"peer": "192.0.2.2", "mtu_bytes": 1400}], what routers on the way reported
 *     "addresses": ["192.0.2.1", "2001:db8::1"],             what "me" stands for
 *     "policy": {
 *       "file": "/etc/sallyport/front-end.policy",
 *       "generation": 1,
 *       "default": "bypass",                                 or "block"
 *       "default_stats": {"outbound": COUNTERS, "inbound": COUNTERS},
 *       "rules": [
 *         {
 *           "index": 0,
 *           "name": "Inbound TCP 80 - front-end",            null: none
 *           "file": "front-end.policy", "line": 7,
 *           "action": "block",                               "protect", "bypass"
 *           "direction": "in",                               "out"; as written
 *           "text": "block in tcp from any to me port 80 as \"Inbound TCP 80 - front-end\"",
 *           "outbound": COUNTERS, "inbound": COUNTERS
 *         }
 *       ]
 *     },
 *     "sas": [
 *       {
 *         "number": 0,
 *         "name": "front to back",                           null: none
 *         "spi": 4097,
 *         "source": "192.0.2.1", "destination": "192.0.2.2",
 *         "direction": "out",                                "in", "none": no address of this host is in it
 *         "mode": "transport",                               "tunnel": source and destination are its ends
 *         "tunnel": null,       or {"df": "copy", "dscp": null, "ecn": "copy"}, as sallyport.keys(5) has them
 *         "encryption": "3des-cbc", "integrity": "hmac-sha1-96",
 *         "fingerprint": "0123456789abcdef",
 *         "state": "live",                                   "soft-expired", "hard-expired"; "retired":
 *                                                            another one is used outbound, and it goes soon
 *         "bytes": 0, "packets": 0, "age_seconds": 12,       used of the lifetime
 *         "lifetime": {"preset": "w2k",                      null: none of the named ones
 *                      "soft_bytes": 0, "hard_bytes": 0, "soft_packets": 0, "hard_packets": 0,
 *                      "soft_seconds": 0, "hard_seconds": 0},
 *         "esn": false,                                      true: sequence numbers of 64 bits
 *         "replay_window_packets": 64,
 *         "encap": null,       or {"type": "udp", "source_port": 4500, "destination_port": 4500}
 *         "sequence_sent": 0, "sequence_received": 0,        last sent; highest received; 0: none
 *         "outbound": COUNTERS, "inbound": COUNTERS
 *       }
 *     ],
 *     "sa_totals": {"key_additions": 2, "key_deletions": 0,   of all SAs that there were: nothing falls
 *                   "packets_sent": 0, "packets_received": 0,
 *                   "confidential_bytes_sent": 0, "confidential_bytes_received": 0,
 *                   "authenticated_bytes_sent": 0, "authenticated_bytes_received": 0},
 *     "last_drops": [                                        the newest first, at most 16 a reason
 *       {"time": 1764000000.25,                              seconds since 1970
 *        "direction": "inbound", "reason": "bad-icv",
 *        "source": "192.0.2.2", "destination": "192.0.2.1",  null: it could not be read
 *        "protocol": 50,
 *        "source_port": null, "destination_port": null,
 *        "spi": 4098, "sequence": 17,                        null: it has none, or it was wiped already
 *        "rule": null,                                       or its index in the policy in force
 *        "sa": 1}                                            null: none was found
 *     ],
 *     "totals": {"outbound": COUNTERS, "inbound": COUNTERS},
 *     "guard": [                                             what nftables did, in the policy's order
 *       {"chain": "guard_in",                                "steer", "guard_out"; of what is forwarded
 *                                                            "forward", "guard_forward"
 *        "rule": 0,                                          null: the policy's default
 *        "action": "refuse",                                 "steer": handed to the daemon
 *        "packets": 0, "bytes": 0}
 *     ],
 *     "events": {"acquire": 0, "soft_expired": 0, "hard_expired": 0, "lost": 0},
 *     "second_guard": {"is_up": true, "policies": 5,          kernel policies
 *       "refused_packets": 0,                                 by any kernel policy of this namespace
 *       "why": null},                                         or why it isn't up
 *     "confinement": {"user": 0,                             as the kernel says of its threads
 *       "capabilities": ["net_admin", "net_raw"],             of the control thread
 *       "worker_capabilities": [],                            of all threads of the data path together
 *       "are_system_calls_filtered": true}                    in each thread
 *   }
 *
 * COUNTERS is
 *   {"offered_packets": 0, "offered_bytes": 0, "bypassed_packets": 0, "sealed_packets": 0,
 *    "opened_packets": 0, "dropped_packets": 0, "drops": {"no-sa": 0}}
 * where "drops" has each reason by its id (sp_drop_id): all of them in "totals", elsewhere those that are not
 * zero. Numbers are never larger than a signed 64-bit integer holds. New members may appear; readers skip
 * what they don't know.
 */
#ifndef TOOLS_CONTROL_H
#define TOOLS_CONTROL_H

#define CONTROL_DEFAULT_PATH "/run/sallyport/control.sock"
#define CONTROL_STATUS_REQUEST "{\"ask\": \"status\"}"
#define CONTROL_POLICY_REQUEST "{\"ask\": \"policy\"}"
#define CONTROL_CONFIRM_REQUEST "{\"ask\": \"confirm\"}"
/* Longest request that the daemon reads, with its newline. */
#define CONTROL_REQUEST_MAX_BYTES 4096

#define CONTROL_PATIENCE_SECONDS 5

/* Asks the daemon at path and waits, 5 s at most between two bytes. 0 and *ret_reply_json is the answer,
 * NUL-terminated and the caller's to free; or an errno value (ECONNREFUSED and ENOENT: no daemon there;
 * EACCES: not root; ETIMEDOUT; EPROTO: it hung up without an answer) and *ret_reply_json untouched. */
int control_ask(const char *path, const char *request_json, char **ret_reply_json);
/* The same for what may take longer, as a reload of a large policy does. */
int control_ask_patiently(const char *path, const char *request_json, unsigned patience_seconds,
                          char **ret_reply_json);

/* One sentence for people about such an errno value, to text[256]; returns text. */
const char *control_error_text(int error, const char *path, char *text);

#endif
