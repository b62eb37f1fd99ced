/* A folder that is a profile of Wireshark's: columns, colours and display filters for a failover, beside the
 * key tables (evidence/keys.h, evidence/esp_keys.h) and the ports (evidence/decode_as.h) that lie in it
 * already. */
#ifndef EVIDENCE_PROFILE_H
#define EVIDENCE_PROFILE_H

#include "base/error.h"

/* Writes "preferences", "colorfilters", "dfilters" and "dfilter_buttons" into the folder, over any that are
 * there. */
bool wireshark_profile_write(const char *folder, struct error *err);

#endif
