/* Private to wire/: the layout of payload bodies as tables of fields. */
#ifndef WIRE_FORMAT_H
#define WIRE_FORMAT_H

#include "base/reader.h"
#include "wire/ike.h"

/* Decodes `p->body` into the members of its type; types without a layout keep their body only. */
bool read_body(struct ike_payload *p, struct error *err);

/* Writes the members of the payload's type, or its body. */
void write_body(struct writer *w, const struct ike_payload *p);

/* "TSi", or "type 77" for a payload that the registry does not know. */
struct payload_label {
    char text[16];
};
struct payload_label payload_label(uint8_t type);

#endif
