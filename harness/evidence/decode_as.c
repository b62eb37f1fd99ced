#include "evidence/decode_as.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool decode_as_add(const char *path, uint16_t ike_port, uint16_t natt_port, struct error *err)
{
    if (ike_port == 500 && natt_port == 4500)
        return true;
    FILE *file = fopen(path, "ae");
    if (!file)
        return fail(err, "%s: %s", path, strerror(errno));
    if (ike_port != 500)
        fprintf(file, "decode_as_entry: udp.port,%u,(none),ISAKMP\n", ike_port);
    if (natt_port != 4500)
        fprintf(file, "decode_as_entry: udp.port,%u,(none),UDPENCAP\n", natt_port);
    bool written = !ferror(file);
    return (fclose(file) == 0 && written) || fail(err, "%s: %s", path, strerror(errno));
}
