#include "reports/html/assets.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "crypto/cipher.h"

/* Paths are those of the root of the sources, where the compiler runs; the Makefile knows of both files. */
__asm__(".pushsection .rodata\n"
        "html_style_begin: .incbin \"reports/html/report.css\"\n"
        "html_style_end:\n"
        "html_script_begin: .incbin \"reports/html/report.js\"\n"
        "html_script_end:\n"
        ".popsection\n");

extern const uint8_t html_style_begin[], html_style_end[], html_script_begin[], html_script_end[];

struct octets html_style(void)
{
    return octets_of(html_style_begin, (size_t)(html_style_end - html_style_begin));
}

struct octets html_script(void)
{
    return octets_of(html_script_begin, (size_t)(html_script_end - html_script_begin));
}

void html_hash(struct octets block, char out[HTML_HASH_TEXT])
{
    uint8_t digest[32], text[48];
    sha256_digest(&block, 1, digest);
    EVP_EncodeBlock(text, digest, sizeof digest);
    snprintf(out, HTML_HASH_TEXT, "sha256-%s", (const char *)text);
}
