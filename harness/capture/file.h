/* One capture file, frame by frame: pcap as libpcap reads it; pcapng with its interfaces, each with a link
 * type and a clock of its own, which libpcap does not take; both also compressed with gzip. */
#ifndef CAPTURE_FILE_H
#define CAPTURE_FILE_H

#include <stdint.h>

#include "base/error.h"
#include "base/octets.h"

struct capture_file;

struct file_frame {
    int link_type;        /* as libpcap names it (DLT_...) */
    bool of_several;      /* interfaces: others may have another one */
    int64_t at_us;        /* since 1970 */
    struct octets octets; /* what was captured of it; until the next call */
};

/* "-" is standard input. NULL with the error: it cannot be read, or is no capture. */
struct capture_file *capture_file_open(const char *path, struct error *err);
void capture_file_close(struct capture_file *f);

/* Of all frames; -1: each has its own. */
int capture_file_link_type(const struct capture_file *f);

/* False at the end, which may be an early one: then there is a flaw. */
bool capture_file_next(struct capture_file *f, struct file_frame *out);

/* Why its end could not be read; NULL: it could. */
const char *capture_file_flaw(const struct capture_file *f);

#endif
