/* SPDX-License-Identifier: BSD-2-Clause */
#include "linux/sys/build_id.h"

#include <elf.h>
#include <stdint.h>
#include <string.h>

static size_t
aligned(size_t size)
{
    return (size + 3) & ~(size_t)3;
}

static bool
write_text(const unsigned char *id, size_t length, char text[BUILD_ID_TEXT])
{
    static const char digits[] = "0123456789abcdef";

    if (length == 0 || length > (BUILD_ID_TEXT - 1) / 2)
        return false;
    for (size_t i = 0; i < length; i++) {
        text[2 * i] = digits[id[i] >> 4];
        text[2 * i + 1] = digits[id[i] & 15];
    }
    text[2 * length] = '\0';
    return true;
}

static bool
search_notes(const unsigned char *at, size_t left, char text[BUILD_ID_TEXT])
{
    Elf64_Nhdr note;

    while (left >= sizeof(note)) {
        size_t name, length;

        memcpy(&note, at, sizeof(note));
        name = aligned(note.n_namesz);
        length = aligned(note.n_descsz);
        at += sizeof(note);
        left -= sizeof(note);
        if (name > left || length > left - name)
            return false;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof(ELF_NOTE_GNU) &&
            memcmp(at, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU)) == 0)
            return write_text(at + name, note.n_descsz, text);
        at += name + length;
        left -= name + length;
    }
    return false;
}

bool
build_id_of(const void *image, size_t size, char text[BUILD_ID_TEXT])
{
    const unsigned char *bytes = image;
    Elf64_Ehdr header;
    Elf64_Phdr program;

    text[0] = '\0';
    if (size < sizeof(header) || memcmp(bytes, ELFMAG, SELFMAG) != 0 ||
        bytes[EI_CLASS] != ELFCLASS64)
        return false;
    memcpy(&header, bytes, sizeof(header));
    for (size_t i = 0; i < header.e_phnum; i++) {
        uint64_t offset = header.e_phoff + i * sizeof(program);

        if (header.e_phoff > size || offset + sizeof(program) > size)
            return false;
        memcpy(&program, bytes + offset, sizeof(program));
        if (program.p_type == PT_NOTE && program.p_offset <= size &&
            program.p_filesz <= size - program.p_offset &&
            search_notes(bytes + program.p_offset, program.p_filesz, text))
            return true;
    }
    return false;
}
