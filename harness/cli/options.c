#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_HELP = 1000, KEY_BAD = '?', KEY_NO_ARGUMENT = ':' };

static size_t to_getopt(const struct cli_command *command, struct option *out)
{
    size_t n = 0;
    for (const struct cli_option *o = command->options; o && o->name && n < CLI_MAX_OPTIONS - 2; o++)
        out[n++] = (struct option){o->name, o->argument ? required_argument : no_argument, NULL, o->key};
    out[n++] = (struct option){"help", no_argument, NULL, KEY_HELP};
    out[n] = (struct option){0};
    return n;
}

static int unknown_option(const struct cli_command *command, const char *word, const struct option *known,
                          size_t n)
{
    char name[64];
    const char *names[CLI_MAX_OPTIONS] = {NULL};
    if (strncmp(word, "--", 2) != 0)
        return cli_usage_error(command, "unknown option %s: options are words, as in --help", word);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    for (size_t i = 0; i < n; i++) {
        names[i] = known[i].name;
        if (strcmp(name, names[i]) == 0)
            return cli_usage_error(command, "option --%s takes no value", name);
    }
    const char *near = cli_nearest(name, names, n);
    if (near)
        return cli_usage_error(command, "unknown option --%s: did you mean --%s?", name, near);
    char valid[512] = "";
    for (size_t i = 0; i < n; i++)
        snprintf(valid + strlen(valid), sizeof valid - strlen(valid), "%s--%s", i ? ", " : "", names[i]);
    return cli_usage_error(command, "unknown option --%s; there are %s", name, valid);
}

/* getopt takes "--se" for --seed until there is another that begins so: a script would break then. */
static const char *abbreviation(char **argv, const struct option *known, int key)
{
    const char *word = argv[optind - (optarg && optarg == argv[optind - 1] ? 2 : 1)];
    for (; known->name; known++)
        if (known->val == key && strncmp(word, "--", 2) == 0 && strcspn(word + 2, "=") != strlen(known->name))
            return word;
    return NULL;
}

int cli_next(const struct cli_command *command, int argc, char **argv, const char **value, int *status)
{
    struct option known[CLI_MAX_OPTIONS];
    size_t n = to_getopt(command, known);
    opterr = 0;
    int at = optind > 0 ? optind : 1;
    int key = getopt_long(argc, argv, ":", known, NULL);
    *value = optarg;
    const char *shortened =
        key > 0 && key != KEY_BAD && key != KEY_NO_ARGUMENT ? abbreviation(argv, known, key) : NULL;
    if (shortened) {
        *status = unknown_option(command, shortened, known, n);
        return CLI_STOP;
    }
    if (key == KEY_HELP) {
        cli_help(command);
        *status = EXIT_CONFORMS;
        return CLI_STOP;
    }
    if (key == KEY_NO_ARGUMENT) {
        *status = cli_usage_error(command, "option %s needs a value", argv[optind - 1]);
        return CLI_STOP;
    }
    if (key == KEY_BAD) {
        const char *word = optind > at ? argv[optind - 1] : argv[at];
        *status = unknown_option(command, word, known, n);
        return CLI_STOP;
    }
    if (key != -1)
        return key;
    if (!command->arguments && optind < argc) {
        *status =
            cli_usage_error(command, "what is \"%s\"? There is nothing to give but options", argv[optind]);
        return CLI_STOP;
    }
    return CLI_END;
}

static void print_option(const char *name, const char *argument, const char *help)
{
    char left[40];
    snprintf(left, sizeof left, "--%s%s%s", name, argument ? " " : "", argument ? argument : "");
    printf("  %-24s %s\n", left, help);
}

void cli_help(const struct cli_command *command)
{
    printf("understudy %s%s%s%s\n%s\n\n", command->name, command->options ? " [OPTION]..." : "",
           command->arguments ? " " : "", command->arguments ? command->arguments : "", command->summary);
    for (const struct cli_option *o = command->options; o && o->name; o++)
        print_option(o->name, o->argument, o->help);
    print_option("help", NULL, "this text");
    if (command->notes)
        printf("\n%s\n", command->notes);
}

int cli_usage_error(const struct cli_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "understudy %s: ", command->name);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\nSee `understudy %s --help`.\n", command->name);
    va_end(args);
    return EXIT_USAGE;
}

bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    *out = value;
    return errno == 0 && *end == '\0' && value >= min && value <= max;
}

bool cli_duration(const char *text, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    enum { MAX_DAYS = 30 };
    char number[16];
    uint64_t value;
    size_t len = strlen(text);
    if (len < 2 || len > sizeof number)
        return false;
    memcpy(number, text, len - 1);
    number[len - 1] = '\0';
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (text[len - 1] != units[i].unit)
            continue;
        bool good = cli_number(number, 1, (uint64_t)(MAX_DAYS * units[3].seconds / units[i].seconds), &value);
        *seconds = good ? (int64_t)value * units[i].seconds : 0;
        return good;
    }
    return false;
}

/* --- what was meant ------------------------------------------------------------------------------ */

enum { WORD_MAX = 64 };

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* Levenshtein's distance; words that are too long are far from all. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[WORD_MAX + 1];
    size_t len = strlen(b);
    if (len > WORD_MAX)
        return WORD_MAX;
    for (unsigned i = 0; i <= len; i++)
        row[i] = i;
    for (; *a; a++) {
        unsigned diagonal = row[0]++;
        for (size_t i = 0; i < len; i++) {
            unsigned above = row[i + 1];
            row[i + 1] = smallest(above + 1, row[i] + 1, diagonal + (*a != b[i]));
            diagonal = above;
        }
    }
    return row[len];
}

const char *cli_nearest(const char *word, const char *const *names, size_t n)
{
    unsigned least = (unsigned)strlen(word) / 3 + 2;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        unsigned far = distance(word, names[i]);
        if (far < least) {
            least = far;
            nearest = names[i];
        }
    }
    return nearest;
}

bool cli_list_add(struct cli_list *list, const char *item)
{
    const char **grown = realloc(list->items, (list->count + 1) * sizeof *grown);
    if (!grown)
        return false;
    list->items = grown;
    list->items[list->count++] = item;
    return true;
}

void cli_list_clear(struct cli_list *list)
{
    free(list->items);
    *list = (struct cli_list){0};
}
