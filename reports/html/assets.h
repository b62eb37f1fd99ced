/* The style sheet and the script of the pages: report.css and report.js, held in the program. */
#ifndef REPORTS_HTML_ASSETS_H
#define REPORTS_HTML_ASSETS_H

#include "base/octets.h"

struct octets html_style(void);
struct octets html_script(void);

/* "sha256-...": what a Content-Security-Policy names a block by. */
enum { HTML_HASH_TEXT = 64 };
void html_hash(struct octets block, char out[HTML_HASH_TEXT]);

#endif
