/* SPDX-License-Identifier: ISC
 *
 * How the tools talk to a running sallyportd, over a UNIX stream socket: one question, one answer; or a
 * question that is answered with what happens from then on, a line an event.
 *
 * The client connects, sends one JSON object and a newline, and reads one JSON object up to the end of the
 * stream; the daemon then closes, unless the question was "events". The socket is mode 0600: who may open it
 * may know everything in here, and there is never a key in it.
 *
 * Questions
 *   {"ask": "status"}
 *   {"ask": "policy"}
 *   {"ask": "reload"}                                        with "confirm_seconds": 30, on trial for so long
 *                                                          with "strict": true, refused if there are warnings
 *   {"ask": "load", "policy": "web.policy", "keys": "a.keys"}  with two descriptors (SCM_RIGHTS), see below
 *                                                          with the same two members as "reload"
 *                                                          with "dry_run": true, looked through only
 *                                                          with "namespace": 4026531840, refused by a daemon
 *                                                          of another network namespace than this inode's
 *   {"ask": "flush"}                                         what was loaded
 *   {"ask": "confirm"}                                       what is on trial
 *   {"ask": "events"}                                        whoever keys asks this one
 *
 * "reload" reads the policy and the keys again and puts them in force, all of it or nothing:
 *   {"ok": true, "generation": 2, "rules": 12,
 *    "sas": {"kept": 3, "added": 1, "removed": 1},
 *    "confirm_seconds": 30,                                  null: not on trial
 *    "log": "what the daemon logged, warnings with their places among it"}
 * or {"ok": false, "error": "one sentence", "is_text_wrong": true, "log": "file:line:column: error: ..."}.
 * The answer to "confirm": {"ok": true, "generation": 2}.
 *
 * "load" does the same with what the client hands over, for the daemon opens no path that a client names: the
 * two members are only what it calls them. Both descriptors are of regular files, which are read from their
 * beginning. The first is JSON, the policy's canonical text and where each of its rules was written:
 *   {"policy": "text", "places": [["web.policy", 7]]}
 * The second is an SA file, sallyport.keys(5), of the daemon's user or root and readable by nobody else; it
 * names no key files. The answer has besides the members of "reload":
 *   "applied": true,                                        false: a dry run, and "generation" is the former
 *   "granted": [{"spi": 4097, "source": "192.0.2.1", "destination": "192.0.2.2"}],   each SA of the file
 *   "kernel": {"policies": 0, "sas": 0},                    that "ipsecctl load" had given to the kernel of
 *                                                           the daemon's namespace: taken away, now that
 *                                                           the daemon does it
 *   "starts_with": {"policy": "/etc/sallyport/policy", "keys": "/etc/sallyport/keys"}
 * From then on "reload" is refused, because the daemon could only read the files that it started with.
 * "flush" does that, with the members of a reload's answer, and "was_loaded": false where nothing was loaded
 * and nothing is done.
 *
 * The answer to "events" is a line, {"ok": true, "generation": 2}, and behind it a line an event, until
 * either side hangs up. No event after that answer is missing: who also wants to know how things stand asks
 * for events first, and then for the status on another connection. There are 8 subscribers at a time, more
 * are refused. What one says besides is not read.
 *
 *   {"time": "2026-11-25T08:30:00.250Z",                     UTC
 *    "event": "sa-soft-expired",
 *    "text": "SA 0 (SPI 0x00001001, 192.0.2.1 to 192.0.2.2) reached its soft limit of bytes: ..."}
 *
 * and more by event:
 *
 *   "sa-soft-expired"       it needs new keys
 *   "sa-hard-expired"       it is dead. Of both: "limit", the one that was reached, "bytes", "packets" or
 *                           "time"; what it used, "bytes", "packets", "age_seconds"; "rule", under which it
 *                           carried a packet last, {"index": 0, "name": null, "text": "protect ..."}, or
 *                           null; and what "sa-added" has. An SA that reaches both limits tells both, in this
 *                           order, however fast it was.
 *   "sa-added"              "sa", its number, "spi", "source", "destination", "direction", "fingerprint",
 *                           "name", "mode", "encryption", "integrity", "lifetime", as in the status
 *   "sa-deleted"            the same up to "fingerprint"; after a reload, perhaps at the end of its grace
 *   "policy-loaded"         "cause" ("reload", "load", "flush", "rollback", "addresses"), "generation",
 *                           "rules", "default", "file"
 *   "acquire"               a packet needs an SA that isn't there: "source", "destination", "rule"; once a
 *                           second for the same ones
 *   "lost"                  "count" events were not told, as the client reads too slowly: no more than 1 MiB
 *                           waits for it. It should ask for the status.
 *
 * Limits and acquires are told within a quarter of a second.
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
 *       "file": "/etc/sallyport/front-end.policy",           as the client called it that loaded it
 *       "keys": "/etc/sallyport/front-end.keys",
 *       "is_loaded": false,                                  true: by "load", and not of the daemon's files
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
 *         "limit": null,                                     or what brought it to its state: "bytes",
 *                                                            "packets", "time"
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

#include <stddef.h>

#define CONTROL_DEFAULT_PATH "/run/sallyport/control.sock"
#define CONTROL_STATUS_REQUEST "{\"ask\": \"status\"}"
#define CONTROL_POLICY_REQUEST "{\"ask\": \"policy\"}"
#define CONTROL_FLUSH_REQUEST "{\"ask\": \"flush\"}"
#define CONTROL_CONFIRM_REQUEST "{\"ask\": \"confirm\"}"
#define CONTROL_EVENTS_REQUEST "{\"ask\": \"events\"}"
/* Longest request that the daemon reads, with its newline. */
#define CONTROL_REQUEST_MAX_BYTES 4096
/* The most that may come with it. */
#define CONTROL_DESCRIPTORS_MAX 2

#define CONTROL_PATIENCE_SECONDS 5

/* Asks the daemon at path and waits, 5 s at most between two bytes. 0 and *ret_reply_json is the answer,
 * NUL-terminated and the caller's to free; or an errno value (ECONNREFUSED and ENOENT: no daemon there;
 * EACCES: not root; ETIMEDOUT; EPROTO: it hung up without an answer) and *ret_reply_json untouched. */
int control_ask(const char *path, const char *request_json, char **ret_reply_json);
/* The same for what may take longer, as a reload of a large policy does. */
int control_ask_patiently(const char *path, const char *request_json, unsigned patience_seconds,
                          char **ret_reply_json);
/* The same with descriptors beside the question, of which the daemon gets copies; at most
 * CONTROL_DESCRIPTORS_MAX. */
int control_ask_with(const char *path, const char *request_json, const int *descriptors, size_t count,
                     unsigned patience_seconds, char **ret_reply_json);

/* An answer of many lines. */
struct control_lines;
/* Asks the daemon at path for it. 0, or an errno value as above. */
int control_lines_open(const char *path, const char *request_json, struct control_lines **ret_lines);
/* Waits for the next line, for the first one 5 s at most. 0 and *ret_line, without its newline, valid until
 * the next call; or an errno value (EPIPE: the daemon has hung up). */
int control_lines_next(struct control_lines *lines, const char **ret_line);
/* Hangs up; nulls. *lines may be NULL. */
void control_lines_close(struct control_lines **lines);

/* One sentence for people about such an errno value, to text[256]; returns text. */
const char *control_error_text(int error, const char *path, char *text);

#endif
