/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/openvpn/config_parse.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux/openvpn/config_copy.h"
#include "linux/sys/calls.h"

#define LINE_MAX_ 256

/* The words of a line, split as openvpn does: at blanks, with quotes of both kinds, backslashes and
 * comments. An ill-formed line has no words. */
struct words {
    char text[LINE_MAX_ + CONFIG_WORDS_MAX];
    const char *w[CONFIG_WORDS_MAX];
};

static bool
is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* One word from *at into *to; false if its quote does not end. */
static bool
word_take(const char **at, const char *end, char **to)
{
    const char *c = *at;
    char quote = '\0';

    if (*c == '"' || *c == '\'')
        quote = *c++;
    for (; c < end && (quote ? *c != quote : !is_blank(*c)); c++) {
        if (*c == '\\' && quote != '\'' && c + 1 < end)
            c++;
        *(*to)++ = *c;
    }
    *(*to)++ = '\0';
    *at = quote && c < end ? c + 1 : c;
    return !quote || c < end;
}

static void
words_split(struct words *out, const char *line, size_t len)
{
    const char *end = line + (len < LINE_MAX_ ? len : LINE_MAX_);
    char *to = out->text;
    unsigned n = 0;

    for (unsigned i = 0; i < CONFIG_WORDS_MAX; i++)
        out->w[i] = "";
    for (;;) {
        while (line < end && is_blank(*line))
            line++;
        if (line == end || *line == '#' || *line == ';' || n == CONFIG_WORDS_MAX)
            return;
        out->w[n++] = to;
        if (!word_take(&line, end, &to)) {
            for (unsigned i = 0; i < CONFIG_WORDS_MAX; i++)
                out->w[i] = "";
            return;
        }
    }
}

/* Whether the word begins an inline file, as in <ca> ... </ca>, and then the tag that ends it. A
 * <connection> holds options and is no inline file. */
static bool
inline_opens(const char *word, char *tag, size_t size)
{
    size_t len = strlen(word);

    if (len < 3 || len >= size || word[0] != '<' || word[len - 1] != '>' || word[1] == '/')
        return false;
    if (strcmp(word, "<connection>") == 0)
        return false;
    snprintf(tag, size, "</%.*s>", (int)(len - 2), word + 1);
    return true;
}

void
config_parse_text(struct config_parser *p, const char *text, size_t len)
{
    char tag[LINE_MAX_ + 2] = "";
    struct words words;

    while (len) {
        const char *nl = memchr(text, '\n', len);
        size_t line = nl != NULL ? (size_t)(nl - text) : len;

        words_split(&words, text, line);
        if (tag[0]) {
            if (strncmp(words.w[0], tag, strlen(tag)) == 0)
                tag[0] = '\0';
        } else if (words.w[0][0] && !inline_opens(words.w[0], tag, sizeof(tag) - 1)) {
            p->option(p->arg, words.w);
        }
        line += nl != NULL;
        text += line;
        len -= line;
    }
}

void
config_parse_cd(struct config_parser *p, const char *dir)
{
    const char *from = p->dir[0] ? p->dir : getenv("PWD");
    char to[sizeof(p->dir)];
    int len = dir[0] == '/' || from == NULL ? snprintf(to, sizeof(to), "%s", dir)
                                            : snprintf(to, sizeof(to), "%s/%s", from, dir);

    if (len < (int)sizeof(to))
        memcpy(p->dir, to, sizeof(to));
}

static int
open_in(const char *dir, const char *path)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    char full[4096];

    if (dir == NULL)
        return sys()->open(path, flags);
    if (snprintf(full, sizeof(full), "%s/%s", dir, path) >= (int)sizeof(full))
        return -1;
    return sys()->open(full, flags);
}

/* A relative path was relative to the last --cd before it. Without one it is relative to the
 * directory of the start, which openvpn may have left since. */
static int
open_config(const struct config_parser *p, const char *path)
{
    const char *pwd = getenv("PWD");
    int fd = -1;

    if (path[0] != '/' && p->dir[0])
        fd = open_in(p->dir, path);
    if (fd < 0)
        fd = open_in(NULL, path);
    if (fd < 0 && path[0] != '/' && pwd != NULL)
        fd = open_in(pwd, path);
    return fd;
}

static char *
read_all(int fd, size_t size)
{
    char *text = malloc(size + 1);
    size_t got = 0;

    while (text != NULL && got < size) {
        ssize_t n = sys()->read(fd, text + got, size - got);

        if (n <= 0)
            break;
        got += (size_t)n;
    }
    if (text != NULL)
        memset(text + got, 0, size + 1 - got);
    return text;
}

/* Only regular files: openvpn could not read a pipe again. NULL if there is none. */
static char *
file_read(const struct config_parser *p, const char *path, size_t *size)
{
    int fd = strcmp(path, "stdin") == 0 ? -1 : open_config(p, path);
    struct stat st;
    char *text = NULL;

    if (fd < 0)
        return NULL;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size <= CONFIG_FILE_MAX) {
        *size = (size_t)st.st_size;
        text = read_all(fd, *size);
    }
    sys()->close(fd);
    return text;
}

static void
parse_nested(struct config_parser *p, const char *text, size_t size)
{
    p->files++;
    p->depth++;
    config_parse_text(p, text, size);
    p->depth--;
}

/* What was read may hold keys, so it is wiped. */
void
config_parse_file(struct config_parser *p, const char *path)
{
    const char *copy;
    char *text;
    size_t size;

    p->found |= p->wanted != NULL && strcmp(p->wanted, path) == 0;
    if (p->depth >= CONFIG_DEPTH_MAX || p->files >= CONFIG_FILES_MAX) {
        p->unreadable(p->arg, path);
        return;
    }
    copy = config_copy_get(path, &size);
    if (copy != NULL) {
        parse_nested(p, copy, size);
        return;
    }
    text = file_read(p, path, &size);
    if (text == NULL) {
        p->unreadable(p->arg, path);
        return;
    }
    parse_nested(p, text, size);
    explicit_bzero(text, size);
    free(text);
}
