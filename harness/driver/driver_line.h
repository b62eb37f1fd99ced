/* How a peer that is reached over UDP is met: which addresses and ports, in which network namespace. */
#ifndef DRIVER_DRIVER_LINE_H
#define DRIVER_DRIVER_LINE_H

#include "driver/driver.h"

/* False when the configuration has no such family or proposal; the error then begins with "unsupported: ". */
bool driver_line_is_possible(const struct peer_config *config, unsigned slot,
                             const struct combination *combination, struct error *err);

/* Enters a network namespace, given by name (as `ip netns` knows it) or path. `home` (-1 before) becomes the
 * one left; entering again from within keeps it. */
bool driver_line_enter(const char *netns, int *home, struct error *err);

/* Back to `home`, which is -1 after. Nothing when it is -1. */
void driver_line_leave(int *home);

/* Opens the link and binds the slot's address; with `raw_esp` for IP protocol 50, too. */
bool driver_line_open(const struct peer_config *config, unsigned slot, const struct combination *combination,
                      bool raw_esp, struct driver_line *line, struct error *err);

#endif
