/* The cluster's configuration for a combination. Private to the stage. */
#ifndef STAGE_STAGE_CONFIG_H
#define STAGE_STAGE_CONFIG_H

#include "stage/stage_parts.h"

/* Fills stage->ike from the driver's peer_config, its addresses and the combination. */
bool stage_configure(struct stage *stage, struct error *err);

#endif
