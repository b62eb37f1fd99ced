/* The blocks of pcapng (draft-ietf-opsawg-pcapng), from a stream. Every interface has a link type, a snap
 * length and a resolution of its times; a file may have several sections, in either octet order. */
#ifndef CAPTURE_BLOCKS_H
#define CAPTURE_BLOCKS_H

#include <stdio.h>

#include "capture/file.h"

enum { PCAPNG_MAGIC = 0x0a0d0d0a }; /* the same in both octet orders */

struct blocks;

struct blocks *blocks_open(void); /* NULL: memory is out */
void blocks_close(struct blocks *b);

enum blocks_got { BLOCKS_FRAME, BLOCKS_END, BLOCKS_BROKEN };

/* The next frame; BROKEN with the error. */
enum blocks_got blocks_next(struct blocks *b, FILE *from, struct file_frame *out, struct error *err);

#endif
