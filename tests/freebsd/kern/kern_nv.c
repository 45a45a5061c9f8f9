/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nvlist(9): the calls the module makes and the packed format, little endian. As in the kernel, a
 * getter of what does not exist is a panic, and allocations do not wait.
 */
#include "world.h"

enum {
    NV_NUMBER = 3,
    NV_STRING = 4,
    NV_NVLIST = 5,
    NV_BINARY = 7,
    NV_NVLIST_ARRAY = 11,
    NV_ARRAY_NEXT = 254,
    NV_UP = 255,
};
#define NV_MAGIC    0x6c
#define NV_NAME_MAX 2048
#define NV_DEPTH    16

struct nvheader {
    uint8_t magic, version, flags;
    uint64_t descriptors, size;
} __attribute__((packed));

struct pairheader {
    uint8_t type;
    uint16_t namesize;
    uint64_t datasize, nitems;
} __attribute__((packed));

struct pair {
    struct pair *next;
    char *name;
    int type;
    uint64_t number;
    void *data; /* string, binary, or array of lists */
    size_t size, n;
};

struct nvlist {
    int error;
    struct pair *first;
};

static void *
nv_malloc(size_t size)
{
    return kern_malloc(size != 0 ? size : 1, 16, M_NOWAIT | M_ZERO);
}

nvlist_t *
nvlist_create(int flags)
{
    kern_assert(flags == 0);
    return nv_malloc(sizeof(nvlist_t));
}

static void
pair_free(struct pair *p)
{
    nvlist_t **list = p->data;

    for (size_t i = 0; (p->type == NV_NVLIST || p->type == NV_NVLIST_ARRAY) && i < p->n; i++)
        nvlist_destroy(list[i]);
    kern_free(p->data, false);
    kern_free(p->name, false);
    kern_free(p, false);
}

void
nvlist_destroy(nvlist_t *nvl)
{
    struct pair *p;

    if (nvl == NULL)
        return;
    while ((p = nvl->first) != NULL) {
        nvl->first = p->next;
        pair_free(p);
    }
    kern_free(nvl, false);
}

int
nvlist_error(const nvlist_t *nvl)
{
    return nvl == NULL ? ENOMEM : nvl->error;
}

static struct pair *
find(const nvlist_t *nvl, int type, const char *name)
{
    if (nvl->error != 0)
        return NULL;
    for (struct pair *p = nvl->first; p != NULL; p = p->next) {
        if (p->type == type && strcmp(p->name, name) == 0)
            return p;
    }
    return NULL;
}

static struct pair *
must_find(const nvlist_t *nvl, int type, const char *name)
{
    struct pair *p = find(nvl, type, name);

    kern_assert(p != NULL);
    return p;
}

bool
nvlist_exists_number(const nvlist_t *nvl, const char *name)
{
    return find(nvl, NV_NUMBER, name) != NULL;
}

bool
nvlist_exists_string(const nvlist_t *nvl, const char *name)
{
    return find(nvl, NV_STRING, name) != NULL;
}

bool
nvlist_exists_nvlist(const nvlist_t *nvl, const char *name)
{
    return find(nvl, NV_NVLIST, name) != NULL;
}

bool
nvlist_exists_binary(const nvlist_t *nvl, const char *name)
{
    return find(nvl, NV_BINARY, name) != NULL;
}

bool
nvlist_exists_nvlist_array(const nvlist_t *nvl, const char *name)
{
    return find(nvl, NV_NVLIST_ARRAY, name) != NULL;
}

uint64_t
nvlist_get_number(const nvlist_t *nvl, const char *name)
{
    return must_find(nvl, NV_NUMBER, name)->number;
}

const char *
nvlist_get_string(const nvlist_t *nvl, const char *name)
{
    return must_find(nvl, NV_STRING, name)->data;
}

const nvlist_t *
nvlist_get_nvlist(const nvlist_t *nvl, const char *name)
{
    return ((nvlist_t **)must_find(nvl, NV_NVLIST, name)->data)[0];
}

const void *
nvlist_get_binary(const nvlist_t *nvl, const char *name, size_t *size)
{
    struct pair *p = must_find(nvl, NV_BINARY, name);

    *size = p->size;
    return p->data;
}

const nvlist_t *const *
nvlist_get_nvlist_array(const nvlist_t *nvl, const char *name, size_t *n)
{
    struct pair *p = must_find(nvl, NV_NVLIST_ARRAY, name);

    *n = p->n;
    return p->data;
}

/* Takes data over, also where it fails. */
static void
add(nvlist_t *nvl, int type, const char *name, void *data, size_t size, size_t n, uint64_t number)
{
    struct pair *p = nv_malloc(sizeof(*p)), **at;

    if (p != NULL) {
        *p = (struct pair){NULL, NULL, type, number, data, size, n};
        p->name = nv_malloc(strlen(name) + 1);
        if (p->name != NULL) {
            strcpy(p->name, name);
            for (at = &nvl->first; *at != NULL; at = &(*at)->next)
                ;
            *at = p;
            return;
        }
        pair_free(p);
    } else {
        struct pair orphan = {NULL, NULL, type, number, data, size, n};
        nvlist_t **list = data;

        for (size_t i = 0; (type == NV_NVLIST || type == NV_NVLIST_ARRAY) && i < n; i++)
            nvlist_destroy(list[i]);
        kern_free(orphan.data, false);
    }
    nvl->error = ENOMEM;
}

static void
add_copy(nvlist_t *nvl, int type, const char *name, const void *value, size_t size)
{
    void *copy;

    if (nvl->error != 0)
        return;
    copy = nv_malloc(size);
    if (copy == NULL) {
        nvl->error = ENOMEM;
        return;
    }
    memcpy(copy, value, size);
    add(nvl, type, name, copy, size, 0, 0);
}

void
nvlist_add_number(nvlist_t *nvl, const char *name, uint64_t value)
{
    if (nvl->error == 0)
        add(nvl, NV_NUMBER, name, NULL, sizeof(value), 0, value);
}

void
nvlist_add_string(nvlist_t *nvl, const char *name, const char *value)
{
    add_copy(nvl, NV_STRING, name, value, strlen(value) + 1);
}

void
nvlist_add_binary(nvlist_t *nvl, const char *name, const void *value, size_t size)
{
    add_copy(nvl, NV_BINARY, name, value, size);
}

void
nvlist_move_nvlist(nvlist_t *nvl, const char *name, nvlist_t *value)
{
    nvlist_t **one = nvlist_error(value) == 0 ? nv_malloc(sizeof(*one)) : NULL;

    if (nvl->error != 0 || one == NULL) {
        if (nvl->error == 0)
            nvl->error = ENOMEM;
        kern_free(one, false);
        nvlist_destroy(value);
        return;
    }
    one[0] = value;
    add(nvl, NV_NVLIST, name, one, 0, 1, 0);
}

void
nvlist_move_nvlist_array(nvlist_t *nvl, const char *name, nvlist_t **value, size_t n)
{
    kern_assert(n > 0);
    if (nvl->error == 0) {
        add(nvl, NV_NVLIST_ARRAY, name, value, 0, n, 0);
        return;
    }
    for (size_t i = 0; i < n; i++)
        nvlist_destroy(value[i]);
    kern_free(value, false);
}

/* Packing */

struct out {
    uint8_t *buf; /* NULL: only measure */
    size_t len;
};

static void
put(struct out *o, const void *data, size_t len)
{
    if (o->buf != NULL && len != 0)
        memcpy(o->buf + o->len, data, len);
    o->len += len;
}

static void
put_pair(struct out *o, int type, const char *name, size_t datasize, size_t n)
{
    struct pairheader h = {(uint8_t)type, (uint16_t)(strlen(name) + 1), datasize, n};

    put(o, &h, sizeof(h));
    put(o, name, h.namesize);
}

static size_t packed_size(const nvlist_t *nvl);

static void
put_list(struct out *o, const nvlist_t *nvl, int end)
{
    struct nvheader h = {NV_MAGIC, 0, 0, 0, packed_size(nvl) - sizeof(h)};

    put(o, &h, sizeof(h));
    for (const struct pair *p = nvl->first; p != NULL; p = p->next) {
        put_pair(o, p->type, p->name, p->type == NV_NVLIST ? 1 : p->size, p->n);
        switch (p->type) {
        case NV_NUMBER:
            put(o, &p->number, sizeof(p->number));
            break;
        case NV_NVLIST:
        case NV_NVLIST_ARRAY:
            for (size_t i = 0; i < p->n; i++)
                put_list(o, ((nvlist_t **)p->data)[i],
                         p->type == NV_NVLIST ? NV_UP : NV_ARRAY_NEXT);
            break;
        default:
            put(o, p->data, p->size);
            break;
        }
    }
    if (end != 0)
        put_pair(o, end, "", 0, 0);
}

static size_t
packed_size(const nvlist_t *nvl)
{
    size_t size = sizeof(struct nvheader);

    for (const struct pair *p = nvl->first; p != NULL; p = p->next) {
        size += sizeof(struct pairheader) + strlen(p->name) + 1 + p->size;
        for (size_t i = 0; i < p->n; i++)
            size += packed_size(((nvlist_t **)p->data)[i]) + sizeof(struct pairheader) + 1;
    }
    return size;
}

void *
nvlist_pack(const nvlist_t *nvl, size_t *size)
{
    struct out o = {NULL, 0};

    if (nvlist_error(nvl) != 0)
        return NULL;
    o.buf = nv_malloc(packed_size(nvl));
    if (o.buf == NULL)
        return NULL;
    put_list(&o, nvl, 0);
    kern_assert(o.len == packed_size(nvl));
    *size = o.len;
    return o.buf;
}

/* Unpacking */

struct in {
    const uint8_t *p;
    size_t left;
};

static bool
take(struct in *in, void *to, size_t len)
{
    if (in->left < len)
        return false;
    memcpy(to, in->p, len);
    in->p += len;
    in->left -= len;
    return true;
}

static nvlist_t *get_list(struct in *in, int depth, int end);

static nvlist_t **
get_lists(struct in *in, int depth, size_t n, int end)
{
    nvlist_t **list;

    if (n == 0 || n > in->left / sizeof(struct nvheader))
        return NULL;
    list = nv_malloc(n * sizeof(*list));
    for (size_t i = 0; list != NULL && i < n; i++) {
        list[i] = get_list(in, depth + 1, end);
        if (list[i] == NULL) {
            while (i-- > 0)
                nvlist_destroy(list[i]);
            kern_free(list, false);
            return NULL;
        }
    }
    return list;
}

static bool
get_value(struct in *in, nvlist_t *nvl, const char *name, const struct pairheader *h, int depth)
{
    nvlist_t **list;
    uint64_t number;

    switch (h->type) {
    case NV_NUMBER:
        if (h->datasize != sizeof(number) || !take(in, &number, sizeof(number)))
            return false;
        nvlist_add_number(nvl, name, number);
        return nvl->error == 0;
    case NV_NVLIST:
    case NV_NVLIST_ARRAY:
        list = get_lists(in, depth, h->type == NV_NVLIST ? 1 : h->nitems,
                         h->type == NV_NVLIST ? NV_UP : NV_ARRAY_NEXT);
        if (list == NULL)
            return false;
        add(nvl, h->type, name, list, 0, h->type == NV_NVLIST ? 1 : h->nitems, 0);
        return nvl->error == 0;
    case NV_STRING:
        if (h->datasize == 0 || memchr(in->p, 0, h->datasize) != in->p + h->datasize - 1)
            return false;
        break;
    case NV_BINARY:
        break;
    default:
        return false;
    }
    add_copy(nvl, h->type, name, in->p, h->datasize);
    in->p += h->datasize;
    in->left -= h->datasize;
    return nvl->error == 0;
}

static bool
get_pairs(struct in *in, nvlist_t *nvl, int depth, int end)
{
    char name[NV_NAME_MAX];
    struct pairheader h;

    while (in->left > 0) {
        if (!take(in, &h, sizeof(h)) || h.namesize < 1 || h.namesize > sizeof(name) ||
            !take(in, name, h.namesize) || strnlen(name, h.namesize) != h.namesize - 1U ||
            h.datasize > in->left)
            return false;
        if (h.type == end && end != 0)
            return true;
        for (int type = NV_NUMBER; type <= NV_NVLIST_ARRAY; type++) {
            if (find(nvl, type, name) != NULL)
                return false;
        }
        if (!get_value(in, nvl, name, &h, depth))
            return false;
    }
    return end == 0;
}

static nvlist_t *
get_list(struct in *in, int depth, int end)
{
    struct nvheader h;
    nvlist_t *nvl;

    if (depth > NV_DEPTH || !take(in, &h, sizeof(h)) || h.magic != NV_MAGIC || h.version != 0 ||
        h.flags != 0 || h.descriptors != 0 || (depth == 0 && h.size != in->left))
        return NULL;
    nvl = nvlist_create(0);
    if (nvl == NULL)
        return NULL;
    if (!get_pairs(in, nvl, depth, end)) {
        nvlist_destroy(nvl);
        return NULL;
    }
    return nvl;
}

nvlist_t *
nvlist_unpack(const void *buf, size_t size, int flags)
{
    struct in in = {buf, size};

    kern_assert(flags == 0);
    return get_list(&in, 0, 0);
}
