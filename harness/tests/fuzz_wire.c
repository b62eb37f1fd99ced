/* libFuzzer target over header, payloads, proposals, selectors, legality, writers and descriptions. Build it
 * with clang -fsanitize=fuzzer,address,undefined and the sources of wire/ and base/. The first octet says
 * what follows: 0 a message (its length is put right), else a chain that begins with a payload of that type.
 */
#include "tests/wire_drive.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > IKE_MAX_MESSAGE)
        return 0;
    size_t len = size - 1;
    uint8_t *octets = malloc(len > 0 ? len : 1); /* exact, for AddressSanitizer */
    if (!octets)
        return 0;
    memcpy(octets, data + 1, len);
    if (data[0] == 0) {
        fix_length(octets, len);
        drive_message(octets_of(octets, len));
    } else {
        drive_chain(data[0], octets_of(octets, len));
    }
    free(octets);
    return 0;
}
