/* The driver for a peer with a peer.ini, with or without a driver executable.
 *
 * The executable is called with one verb: start, stop, version, initiate, rekey-ike, rekey-child, add-child,
 * liveness, delete, failover, status, logs. It answers with its exit status (0 done, 127 "this peer has no
 * such trigger", anything else failed) and says why on the last line of standard error. It finds in its
 * environment
 *
 *   UNDERSTUDY_STATE     a private folder (0700) for its own files, gone after stop
 *   UNDERSTUDY_RUN       a short name, unique to this run: "u" and six letters or digits
 *   UNDERSTUDY_PID       the process of the run: when it is gone without a stop, the run is dead
 *   UNDERSTUDY_SLOTS     how many slots the run uses
 *   UNDERSTUDY_SLOT      which one the verb is for; not set for start, stop and version
 *   UNDERSTUDY_FAMILY    4 or 6: of the combination in play; only set while one is
 *   UNDERSTUDY_MODE      tunnel, tunnel-ipv6 or transport: the same
 *   UNDERSTUDY_MOBIKE    on or off: the same
 *   UNDERSTUDY_AUTH      psk, rsa, ecdsa, rsa-old or ecdsa-old: the same
 *   UNDERSTUDY_PSK_FILE  a file (0600) with the pre-shared key
 *   UNDERSTUDY_PKI       a folder (0700) with what the test CA made for the peer
 *                        (pki_write); only set when the run plays with certificates
 *
 * What `start` prints is facts, one "key=value" a line (peer_config_fact). Before anything else the driver is
 * asked for a verb that does not exist: anything but 127 means that its 127 cannot be trusted.
 *
 * `logs` prints the peer's log from its start to now: a process of a case asks for it before its first
 * combination and after its last, and keeps what was added between.
 *
 * Verbs always run in the network namespace that the runner was started in; the link of a combination is
 * bound in config.netns, when there is one (needs CAP_SYS_ADMIN).
 */
#ifndef DRIVER_DRIVER_EXEC_H
#define DRIVER_DRIVER_EXEC_H

#include "driver/driver.h"

/* `run_folder` need not exist before start; the state folder is made in it. */
struct driver *driver_exec_new(const struct peer_config *config, const char *run_folder, struct error *err);

/* Stops the peer if it is still up. */
void driver_exec_free(struct driver *driver);

#endif
