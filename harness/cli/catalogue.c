#include "cli/catalogue.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BOTH_ROLES = 1 << ROLE_INITIATOR | 1 << ROLE_RESPONDER };

const struct test_case *catalogue_case(const char *id)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(cases[i]->id, id) == 0)
            return cases[i];
    return NULL;
}

bool catalogue_matches(const struct cli_list *globs, const char *id)
{
    for (size_t i = 0; i < globs->count; i++)
        if (fnmatch(globs->items[i], id, 0) == 0)
            return true;
    return false;
}

bool catalogue_matches_any(const char *glob)
{
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        if (fnmatch(glob, cases[i]->id, 0) == 0)
            return true;
    return false;
}

/* --- no such thing ------------------------------------------------------------------------------- */

/* Words of which the first is right are a good guess, too: the IDs that begin as the word does. */
static bool ids_that_begin(const char *word, char *out, size_t size)
{
    size_t n, found = 0, len = strcspn(word, "*?[");
    const struct test_case *const *cases = all_cases(&n);
    out[0] = '\0';
    for (size_t i = 0; i < n && len > 2; i++)
        if (strncmp(cases[i]->id, word, len) == 0 && found++ < 6)
            snprintf(out + strlen(out), size - strlen(out), "%s%s", found > 1 ? ", " : "", cases[i]->id);
    return found > 0;
}

/* The theme, "sync" of "sync.equal-m1-is-dropped", that the word's is nearest to. */
static bool nearest_theme(const char *word, char out[64])
{
    char own[64];
    size_t n;
    struct cli_list themes = {0};
    const struct test_case *const *cases = all_cases(&n);
    char(*names)[64] = calloc(n, sizeof *names);
    snprintf(own, sizeof own, "%.*s", (int)strcspn(word, "."), word);
    for (size_t i = 0; names && i < n; i++) {
        snprintf(names[i], sizeof names[i], "%.*s", (int)strcspn(cases[i]->id, "."), cases[i]->id);
        cli_list_add(&themes, names[i]);
    }
    const char *near = strchr(word, '.') ? cli_nearest(own, themes.items, themes.count) : NULL;
    snprintf(out, 64, "%s", near ? near : "");
    cli_list_clear(&themes);
    free(names);
    return out[0] != '\0';
}

int catalogue_no_case(const struct cli_command *command, const char *what)
{
    struct cli_list ids = {0};
    char guess[512], theme[64];
    size_t n;
    const struct test_case *const *cases = all_cases(&n);
    for (size_t i = 0; i < n; i++)
        cli_list_add(&ids, cases[i]->id);
    const char *near = cli_nearest(what, ids.items, ids.count);
    cli_list_clear(&ids);
    if (near)
        return cli_usage_error(command, "no case is or matches \"%s\": did you mean %s?", what, near);
    if (ids_that_begin(what, guess, sizeof guess))
        return cli_usage_error(command, "no case is or matches \"%s\": did you mean %s?", what, guess);
    if (nearest_theme(what, theme))
        return cli_usage_error(command, "no case is or matches \"%s\": look among \"%s.*\"", what, theme);
    return cli_usage_error(command, "no case is or matches \"%s\"; `understudy list` shows all %zu", what, n);
}

int catalogue_no_requirement(const struct cli_command *command, const char *id)
{
    struct cli_list ids = {0};
    size_t n;
    const struct requirement *all = requirements(&n);
    for (size_t i = 0; i < n; i++)
        cli_list_add(&ids, all[i].id);
    const char *near = cli_nearest(id, ids.items, ids.count);
    cli_list_clear(&ids);
    if (near)
        return cli_usage_error(command, "no requirement is called \"%s\": did you mean %s?", id, near);
    return cli_usage_error(command, "no requirement is called \"%s\"; `understudy requirements` shows all",
                           id);
}

int catalogue_no_group(const struct cli_command *command, const char *name)
{
    char valid[256] = "";
    size_t n;
    const struct requirement_group *groups = requirement_groups(&n);
    for (size_t i = 0; i < n; i++)
        snprintf(valid + strlen(valid), sizeof valid - strlen(valid), "%s%s", i ? ", " : "", groups[i].name);
    return cli_usage_error(command, "no group is called \"%s\"; there are %s", name, valid);
}

/* --- relations ----------------------------------------------------------------------------------- */

bool case_requires(const struct test_case *tc, const char *requirement)
{
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++)
        if (strcasecmp(tc->requires[i], requirement) == 0)
            return true;
    return false;
}

bool case_has_group(const struct test_case *tc, const char *group)
{
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++) {
        const struct requirement *r = requirement_find(tc->requires[i]);
        if (r && strcasecmp(r->group, group) == 0)
            return true;
    }
    return false;
}

const char *case_group(const struct test_case *tc)
{
    const struct requirement *first = tc->requires[0] ? requirement_find(tc->requires[0]) : NULL;
    return first ? first->group : "";
}

bool role_set_parse(const char *text, unsigned *roles)
{
    uint8_t role;
    if (strcmp(text, "both") == 0)
        *roles = BOTH_ROLES;
    else if (axis_value_parse(AXIS_ROLE, text, &role))
        *roles = 1U << role;
    else
        return false;
    return true;
}

unsigned case_roles(const struct test_case *tc)
{
    return tc->roles ? tc->roles : BOTH_ROLES;
}

bool fault_breaks(const struct reference_fault *fault, const char *requirement)
{
    for (size_t i = 0; i < FAULT_MAX_REQUIREMENTS && fault->requirements[i]; i++)
        if (strcmp(fault->requirements[i], requirement) == 0)
            return true;
    return false;
}

bool fault_proves(const struct reference_fault *fault, const struct test_case *tc)
{
    for (size_t i = 0; i < CASE_MAX_REQUIREMENTS && tc->requires[i]; i++)
        if (fault_breaks(fault, tc->requires[i]))
            return true;
    return false;
}
