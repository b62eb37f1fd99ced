/* Private to stage_attack.c and stage_forge.c. */
#ifndef STAGE_ATTACK_PARTS_H
#define STAGE_ATTACK_PARTS_H

#include "net/datagram.h"
#include "stage/attack.h"

/* The stage frees it when it closes. */
void keep_message(struct stage *stage, const struct datagram *d);

/* Without a pause before it. */
void send_now(struct stage *stage, struct sync_request *request);

#endif
