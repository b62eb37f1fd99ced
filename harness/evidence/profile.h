/* A folder that is a profile of Wireshark's: columns, colours and display filters for a failover, beside the
 * key tables (evidence/keys.h, evidence/esp_keys.h) and the ports (evidence/decode_as.h) that lie in it
 * already. */
#ifndef EVIDENCE_PROFILE_H
#define EVIDENCE_PROFILE_H

#include "base/error.h"

/* What is in "recent": how wide the columns are. Wireshark writes that file anew when it ends, with more of
 * the machine that it ran on. */
extern const char wireshark_profile_widths[];

/* Writes "preferences", "recent", "colorfilters", "dfilters" and "dfilter_buttons" into the folder, over any
 * that are there. */
bool wireshark_profile_write(const char *folder, struct error *err);

#endif
