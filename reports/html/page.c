#include "reports/html/assets.h"
#include "reports/html/pages.h"

static void put_block(FILE *out, struct octets block)
{
    fwrite(block.at, 1, block.len, out);
}

/* Neither network nor any other script: the two blocks are named by what they hold. */
void html_begin(FILE *out, const char *title)
{
    char style[HTML_HASH_TEXT], script[HTML_HASH_TEXT];
    html_hash(html_style(), style);
    html_hash(html_script(), script);
    fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n",
          out);
    html_put(out,
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src '%s'; "
             "script-src '%s'; base-uri 'none'; form-action 'none'\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
             "<meta name=\"referrer\" content=\"no-referrer\"/>\n<title>%s</title>\n<style>",
             style, script, title);
    put_block(out, html_style());
    fputs("</style>\n</head>\n<body>\n", out);
}

void html_end(FILE *out)
{
    fputs("<script>", out);
    put_block(out, html_script());
    fputs("</script>\n</body>\n</html>\n", out);
}

void html_verdict(FILE *out, enum verdict v)
{
    html_put(out, "<span class=\"verdict %s\">%s</span>", verdict_name(v),
             v == VERDICT_SKIP ? "not judged" : verdict_name(v));
}

void html_filter(FILE *out, const size_t verdicts[VERDICT_COUNT], const char *what)
{
    html_put(out, "<form id=\"filter\" role=\"search\" data-what=\"%s\">\n", what);
    fputs("<label>Verdict <select id=\"filter-verdict\">"
          "<option value=\"\">all</option>",
          out);
    for (unsigned v = VERDICT_COUNT; v-- > VERDICT_SKIP + 1;)
        if (verdicts[v])
            html_put(out, "<option>%s</option>", verdict_name((enum verdict)v));
    fputs("</select></label>\n<label>Requirement <select id=\"filter-requirement\">"
          "<option value=\"\">all</option>",
          out);
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        html_put(out, "<option>%s</option>", all[i].id);
    fputs("</select></label>\n<label>Text <input id=\"filter-text\" type=\"search\" autocomplete=\"off\"/>"
          "</label>\n<button type=\"reset\">Reset</button>\n"
          "<output id=\"filter-count\"></output>\n"
          "<span class=\"keys\"><kbd>/</kbd> search <kbd>j</kbd> <kbd>k</kbd> next, previous "
          "<kbd>Enter</kbd> open <kbd>Esc</kbd> reset</span>\n</form>\n",
          out);
}

bool report_html(const struct report_run *run, FILE *out, struct error *err)
{
    struct shown_run shown;
    char title[256];
    if (!shown_run_read(run, &shown, err))
        return false;
    snprintf(title, sizeof title, "%.200s: understudy", report_header(run, "peer"));
    html_begin(out, title);
    fputs("<main>\n", out);
    html_summary(out, &shown);
    html_filter(out, run->verdicts, "cases");
    html_failures(out, &shown);
    html_requirements(out, &shown);
    html_cases(out, &shown);
    fputs("</main>\n", out);
    html_end(out);
    shown_run_clear(&shown);
    return true;
}
