/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes one JSON text (RFC 8259) into memory that grows up to a bound. The writer adds commas and
 * escapes; the caller ends objects and arrays in order. Strings may hold any bytes: those that are
 * not UTF-8 become U+FFFD. After an error (no memory, bound reached, nesting deeper than
 * JSON_DEPTH_MAX) further calls do nothing, and jsonw_end() returns the error.
 */
#ifndef DCO_STATUS_JSON_H
#define DCO_STATUS_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_DEPTH_MAX 16U

struct jsonw {
    char *text;
    size_t len, size, max;
    unsigned depth;
    bool filled[JSON_DEPTH_MAX + 1]; /* something was written at this depth */
    int err;
};

/* max: the most bytes that the text may have. */
void jsonw_init(struct jsonw *j, size_t max);
void jsonw_fini(struct jsonw *j);

/* key is NULL inside an array and for the outermost value. */
void jsonw_object_begin(struct jsonw *j, const char *key);
void jsonw_object_end(struct jsonw *j);
void jsonw_array_begin(struct jsonw *j, const char *key);
void jsonw_array_end(struct jsonw *j);
void jsonw_string(struct jsonw *j, const char *key, const char *value);
void jsonw_uint(struct jsonw *j, const char *key, uint64_t value);
void jsonw_int(struct jsonw *j, const char *key, int64_t value);
void jsonw_bool(struct jsonw *j, const char *key, bool value);

/* Ends the text with a newline; it is then in j->text and j->len. 0, -ENOMEM, -EFBIG, or -EINVAL if
 * an object or array is still open or the nesting was too deep. */
int jsonw_end(struct jsonw *j);

#endif
