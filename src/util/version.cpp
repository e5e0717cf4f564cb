// Finds the GNU build ID in the notes of the running program.
#include "util/version.h"

#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstring>

#include "util/hash.h"

namespace dtrain::util {
namespace {

// A note is a header, its owner's name and its content, the last two padded to words.
std::string build_id_among(const uint8_t* notes, size_t size) {
  const auto padded = [](size_t bytes) { return (bytes + 3) / 4 * 4; };
  for (size_t at = 0; at + sizeof(ElfW(Nhdr)) <= size;) {
    ElfW(Nhdr) note;
    std::memcpy(&note, notes + at, sizeof note);
    const uint8_t* name = notes + at + sizeof note;
    const uint8_t* content = name + padded(note.n_namesz);
    at += sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
    if (at > size) break;
    if (note.n_type != NT_GNU_BUILD_ID || std::strcmp(reinterpret_cast<const char*>(name), "GNU")) {
      continue;
    }
    return to_hex(content, note.n_descsz);
  }
  return {};
}

int find_in_program(dl_phdr_info* object, size_t, void* result) {
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    const auto* notes = reinterpret_cast<const uint8_t*>(object->dlpi_addr + segment.p_vaddr);
    const std::string id = build_id_among(notes, segment.p_memsz);
    if (id.empty()) continue;
    *static_cast<std::string*>(result) = id;
    break;
  }
  return 1;  // the first object is the program itself
}

}  // namespace

std::string build_id() {
  std::string id;
  ::dl_iterate_phdr(find_in_program, &id);
  return id;
}

}  // namespace dtrain::util
