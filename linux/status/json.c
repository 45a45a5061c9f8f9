/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/status/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
jsonw_init(struct jsonw *j, size_t max)
{
    memset(j, 0, sizeof(*j));
    j->max = max;
}

void
jsonw_fini(struct jsonw *j)
{
    free(j->text);
    memset(j, 0, sizeof(*j));
}

static bool
reserve(struct jsonw *j, size_t more)
{
    size_t size = j->size == 0 ? 1024 : j->size;
    char *text;

    if (j->err != 0)
        return false;
    if (more > j->max - j->len) {
        j->err = -EFBIG;
        return false;
    }
    while (size - j->len < more)
        size *= 2;
    if (size != j->size) {
        text = realloc(j->text, size);
        if (text == NULL) {
            j->err = -ENOMEM;
            return false;
        }
        j->text = text;
        j->size = size;
    }
    return true;
}

static void
append(struct jsonw *j, const char *s, size_t len)
{
    if (reserve(j, len)) {
        memcpy(j->text + j->len, s, len);
        j->len += len;
    }
}

static void
append_text(struct jsonw *j, const char *s)
{
    append(j, s, strlen(s));
}

/* The length of the UTF-8 sequence at s, or 0 if s is not one (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF). */
static size_t
utf8_length(const unsigned char *s)
{
    size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
        (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f)) {
        return 0;
    }
    return len;
}

static void
append_quoted(struct jsonw *j, const char *value)
{
    const unsigned char *s = (const unsigned char *)value;
    char escape[8];

    append(j, "\"", 1);
    while (*s != '\0' && j->err == 0) {
        size_t len = utf8_length(s);

        if (len == 0) {
            append_text(j, "\\ufffd");
            len = 1;
        } else if (*s == '"' || *s == '\\') {
            snprintf(escape, sizeof(escape), "\\%c", *s);
            append_text(j, escape);
        } else if (*s < 0x20 || *s == 0x7f) {
            snprintf(escape, sizeof(escape), "\\u%04x", *s);
            append_text(j, escape);
        } else {
            append(j, (const char *)s, len);
        }
        s += len;
    }
    append(j, "\"", 1);
}

static void
append_key(struct jsonw *j, const char *key)
{
    if (j->filled[j->depth])
        append(j, ",", 1);
    j->filled[j->depth] = true;
    if (key != NULL) {
        append_quoted(j, key);
        append(j, ":", 1);
    }
}

static void
begin(struct jsonw *j, const char *key, const char *bracket)
{
    append_key(j, key);
    append(j, bracket, 1);
    if (j->depth == JSON_DEPTH_MAX) {
        j->err = j->err != 0 ? j->err : -EINVAL;
        return;
    }
    j->filled[++j->depth] = false;
}

static void
end(struct jsonw *j, const char *bracket)
{
    if (j->depth == 0) {
        j->err = j->err != 0 ? j->err : -EINVAL;
        return;
    }
    j->depth--;
    append(j, bracket, 1);
}

void
jsonw_object_begin(struct jsonw *j, const char *key)
{
    begin(j, key, "{");
}

void
jsonw_object_end(struct jsonw *j)
{
    end(j, "}");
}

void
jsonw_array_begin(struct jsonw *j, const char *key)
{
    begin(j, key, "[");
}

void
jsonw_array_end(struct jsonw *j)
{
    end(j, "]");
}

void
jsonw_string(struct jsonw *j, const char *key, const char *value)
{
    append_key(j, key);
    append_quoted(j, value);
}

void
jsonw_uint(struct jsonw *j, const char *key, uint64_t value)
{
    char number[24];

    snprintf(number, sizeof(number), "%llu", (unsigned long long)value);
    append_key(j, key);
    append_text(j, number);
}

void
jsonw_int(struct jsonw *j, const char *key, int64_t value)
{
    char number[24];

    snprintf(number, sizeof(number), "%lld", (long long)value);
    append_key(j, key);
    append_text(j, number);
}

void
jsonw_bool(struct jsonw *j, const char *key, bool value)
{
    append_key(j, key);
    append_text(j, value ? "true" : "false");
}

int
jsonw_end(struct jsonw *j)
{
    append(j, "\n", 1);
    if (j->err == 0 && j->depth != 0)
        j->err = -EINVAL;
    return j->err;
}
