/* SPDX-License-Identifier: MIT */
/*
 * Settings doc: prints docs/settings.md from the library's own table.
 *
 *   build/tests/settings-doc >docs/settings.md
 *
 * A test compares the two, so a setting cannot change without its page.
 */
#include <datalyr.h>
#include <stdio.h>

static const char head[] =
    "# Settings\n"
    "\n"
    "<!-- made by tools/settings-doc.c from the library's table; do not edit "
    "-->\n"
    "\n"
    "One table in the library gives each setting its name, range, default and\n"
    "meaning. The same name is used everywhere:\n"
    "\n"
    "| where | how `flush_at` is set |\n"
    "| --- | --- |\n"
    "| C | `.flush_at = 50` in `datalyr_config` |\n"
    "| C, from a text | `datalyr_config_set(&config, \"flush_at\", \"50\", "
    "&error)` |\n"
    "| environment | `DATALYR_FLUSH_AT=50` |\n"
    "| `datalyr`, the command | `--flush-at 50` |\n"
    "\n"
    "What the program or the command line says beats the environment, and "
    "that\n"
    "beats the default. A value out of range is refused with a message that "
    "names\n"
    "the setting, the value and the range; nothing is bent in silence.\n"
    "\n"
    "**In the struct** zero means default. Where the range begins with 0,\n"
    "`DATALYR_NEVER` says 0; where it ends in *unlimited*, "
    "`DATALYR_UNLIMITED`\n"
    "says that. Durations are milliseconds, sizes bytes, choices and switches "
    "the\n"
    "enums of `<datalyr.h>`.\n"
    "\n"
    "**As text** `0` means 0. Durations take `ms`, `s`, `m`, `h`, `d` (`10s`; "
    "a\n"
    "number alone is milliseconds), sizes `KiB`, `MiB`, `GiB` (`64MiB`; "
    "alone:\n"
    "bytes); `unlimited`, `true` and `false` where they fit.\n"
    "\n"
    "| setting | default | range | meaning |\n"
    "| --- | --- | --- | --- |\n";

static const char tail[] =
    "\n"
    "Not in the table, because they are no texts: `default_properties`, added "
    "to\n"
    "tracked events, pages and purchases that lack them, and `hooks`; see\n"
    "[guide.md](guide.md).\n";

static void print_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '|') {
            (void)putchar('\\'); /* or it would end the cell */
        }
        (void)putchar(*text);
    }
}

static void print_row(const datalyr_setting *setting)
{
    bool has_default = setting->default_text[0] != '\0';

    printf("| `%s` | %s", setting->name, has_default ? "`" : "");
    print_cell(has_default ? setting->default_text
                           : (setting->is_secret ? "required" : "none"));
    printf("%s | ", has_default ? "`" : "");
    print_cell(setting->range_text);
    printf(" | ");
    print_cell(setting->help);
    printf(" |\n");
}

int main(void)
{
    const datalyr_setting *setting;

    printf("%s", head);
    for (size_t i = 0; (setting = datalyr_setting_at(i)) != NULL; i++) {
        print_row(setting);
    }
    printf("%s", tail);
    return ferror(stdout) == 0 && fflush(stdout) == 0 ? 0 : 1;
}
