/* Ordinary requests of the member's with something in them: an INFORMATIONAL whose Message ID, window and
 * retransmission are as they should be, and whose payload is the case's choice. */
#ifndef STAGE_ASK_H
#define STAGE_ASK_H

#include "stage/stage.h"
#include "wire/ike.h"

struct answer_with {
    struct asked asked;
    uint16_t error;         /* the error notify in the answer; 0: none */
    uint8_t refused;        /* the type that UNSUPPORTED_CRITICAL_PAYLOAD names; 0: none */
    const char *error_name; /* "no error" */
};

struct answer_with ask_with(struct stage *stage, const struct ike_payload *payload);

#endif
