// What the file system of a folder can do, found out by trying.
#pragma once

#include <filesystem>
#include <string>

namespace dtrain::util {

struct FolderAbilities {
  bool links = true;     // symbolic ones; else folder_link.h
  bool locks = true;     // flock; else folder_lock.h
  bool exchange = true;  // of two folders at once; else one after the other
  bool sync = true;      // fsync of a folder; else a power cut may cost the newest files
};

// Tries in a folder of its own below `folder`, which is gone afterwards. Throws Error(kIo) for what
// cannot be done without: making, renaming and replacing files and folders.
FolderAbilities try_folder(const std::filesystem::path& folder);

// What is missing, for people: "no symbolic links, no locks"; empty where nothing is.
std::string missing_abilities(const FolderAbilities& abilities);

}  // namespace dtrain::util
