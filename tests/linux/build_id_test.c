/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The build id is found in what a linker made, and no bytes mislead the search. If this failed,
 * "opendco status" would ask for restarts that are not needed, or miss those that are.
 */
#include "linux/sys/build_id.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"
#include "linux/sys/image.h"

static unsigned char file[BUILD_ID_IMAGE];
static size_t length;

static void
read_self(void)
{
    int fd = open("/proc/self/exe", O_RDONLY);
    ssize_t got = read(fd, file, sizeof(file));

    CHECK(got > 0);
    length = (size_t)got;
    close(fd);
}

TEST("the id in memory is the one of the file")
{
    char text[BUILD_ID_TEXT];

    read_self();
    CHECK(build_id_of(file, length, text));
    CHECK(strlen(text) >= 32);
    image_init();
    CHECK(strcmp(text, image_build_id()) == 0);
    CHECK(*image_path() != '\0');
}

TEST("another id is another text")
{
    char first[BUILD_ID_TEXT], second[BUILD_ID_TEXT];
    unsigned char *note;

    read_self();
    note = memmem(file, length, "\3\0\0\0GNU", 8);
    CHECK(note != NULL);
    CHECK(build_id_of(file, length, first));
    note[8] ^= 0x10;
    CHECK(build_id_of(file, length, second));
    CHECK(strcmp(first, second) != 0);
    CHECK(strcmp(first + 2, second + 2) == 0);
}

TEST("a file that is cut anywhere is read within its bounds")
{
    char text[BUILD_ID_TEXT];

    read_self();
    for (size_t size = 0; size < length; size++) {
        unsigned char *exact = malloc(size + 1);

        CHECK(exact != NULL);
        memcpy(exact, file, size);
        if (!build_id_of(exact, size, text))
            CHECK_EQ(*text, '\0');
        free(exact);
    }
}

TEST("random damage to the headers is harmless")
{
    char text[BUILD_ID_TEXT];
    unsigned char damaged[1024];
    struct rng rng = test_rng();

    read_self();
    for (unsigned round = 0; round < test_rounds(20000); round++) {
        memcpy(damaged, file, sizeof(damaged));
        for (unsigned i = 0; i < 4; i++)
            damaged[EI_NIDENT + rng_below(&rng, sizeof(damaged) - EI_NIDENT)] =
                (unsigned char)rng_next(&rng);
        (void)build_id_of(damaged, sizeof(damaged), text);
        CHECK(strlen(text) < BUILD_ID_TEXT);
    }
}

TEST("what is no ELF file of 64 bits has none")
{
    char text[BUILD_ID_TEXT];

    read_self();
    file[EI_CLASS] = ELFCLASS32;
    CHECK(!build_id_of(file, length, text));
    CHECK(!build_id_of("#!/bin/sh\n", 10, text));
    CHECK(!build_id_of(file, 0, text));
}
