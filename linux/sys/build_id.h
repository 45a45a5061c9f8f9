/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The build id of an ELF file (elf(5), a note of the type NT_GNU_BUILD_ID): equal for equal builds,
 * different for different ones. Only the C library is used here, because the command links this
 * file.
 */
#ifndef DCO_SYS_BUILD_ID_H
#define DCO_SYS_BUILD_ID_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the longest text: 32 bytes as hexadecimal digits. Linkers make 16 or 20. */
#define BUILD_ID_TEXT 65

/* The first bytes of a file are enough: the linker puts the note right after the headers. */
#define BUILD_ID_IMAGE 4096

/* Finds the build id in the start of a 64-bit ELF file of this byte order, or of such a file in
 * memory. The bytes may be anything. False if there is none; the text is then empty. */
bool build_id_of(const void *image, size_t size, char text[BUILD_ID_TEXT]);

#endif
