// What the program and its module for images agree on. The module is a shared library of its own,
// dtrain_images.so, because OpenCV's imgcodecs brings some 140 libraries: it is loaded when the
// first file needs it. Plain C, so that it does not matter which standard library either was built
// with.
#pragma once

#include <stddef.h>
#include <stdint.h>

extern "C" {

enum { kDtrainImagesVersion = 1 };

enum DtrainImagesResult { kDtrainImagesDone = 0, kDtrainImagesBad = 1, kDtrainImagesNoMemory = 2 };

struct DtrainImagesJob {
  const uint8_t* bytes;  // a whole file, whose header the caller has checked
  size_t size;
  int32_t is_gif;
  int32_t width, height;  // as its header says
  uint8_t* pixels;        // width * height * 3, to be filled with RGB
  char message[160];      // why it could not be decoded
};

// Names of the functions, for dlsym.
#define DTRAIN_IMAGES_VERSION_NAME "dtrain_images_version"
#define DTRAIN_IMAGES_DECODE_NAME "dtrain_images_decode"

typedef int (*DtrainImagesVersion)();
// Reads the first page, as it is stored, without its orientation. Callable from several threads.
typedef int (*DtrainImagesDecode)(struct DtrainImagesJob* job);
}
