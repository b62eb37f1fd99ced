/* Keys and certificates in files. Private to the room. */
#ifndef DRIVER_PKI_FILES_H
#define DRIVER_PKI_FILES_H

#include "driver/pki.h"

/* What ca, certificate and key of peer.ini name, for that slot. On failure nothing is left to free. */
bool pki_read_files(const struct peer_config *config, unsigned slot, struct certificate **anchor,
                    struct pki_end *cluster, struct error *err);

#endif
