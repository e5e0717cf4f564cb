// dtrain_images.so: OpenCV's decoders, and giflib, which OpenCV 4.6 does not use.
#include "image/module/module.h"

#include <gif_lib.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <vector>

namespace {

int say_nothing(int, const char*, const char*, const char*, int, void*) { return 0; }

// Note [What OpenCV says]
// imdecode catches what its decoders throw and writes it to std::cerr. The program says itself,
// once and with the name of the file, what is wrong: what a thread writes while it decodes is kept
// for that line, and everything else passes.
thread_local std::string* kept = nullptr;

class KeepingBuffer : public std::streambuf {
 public:
  explicit KeepingBuffer(std::streambuf* next) : next_(next) {}

 protected:
  int overflow(int c) override {
    if (kept == nullptr) return next_->sputc(static_cast<char>(c));
    kept->push_back(static_cast<char>(c));
    return c;
  }
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    if (kept == nullptr) return next_->sputn(text, size);
    kept->append(text, static_cast<size_t>(size));
    return size;
  }
  int sync() override { return kept == nullptr ? next_->pubsync() : 0; }

 private:
  std::streambuf* next_;
};

class Keeping {
 public:
  Keeping() { kept = &text; }
  ~Keeping() { kept = nullptr; }
  Keeping(const Keeping&) = delete;
  Keeping& operator=(const Keeping&) = delete;

  // "imdecode_(...): can't read data: OpenCV(4.6.0) ...: error: (-2:...) <the cause>"
  std::string cause() const {
    const size_t at = text.find("error: ");
    if (at == std::string::npos) return "OpenCV cannot decode them";
    return "OpenCV: " + text.substr(at + 7, text.find('\n', at) - at - 7);
  }
  std::string text;
};

// Threads are the loader's, and what is wrong with a file is said by the program, once.
const bool prepared = [] {
  cv::setNumThreads(0);
  cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  cv::redirectError(say_nothing);
  std::cerr.rdbuf(new KeepingBuffer(std::cerr.rdbuf()));  // for as long as the process lives
  return true;
}();

void decode_by_opencv(const DtrainImagesJob& job) {
  const cv::Mat bytes(1, static_cast<int>(job.size), CV_8U, const_cast<uint8_t*>(job.bytes));
  cv::Mat pixels(job.height, job.width, CV_8UC3, job.pixels);
  const Keeping said;
  const cv::Mat read =
      cv::imdecode(bytes, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION, &pixels);
  if (read.empty()) throw std::runtime_error(said.cause());
  if (read.rows != job.height || read.cols != job.width || read.type() != CV_8UC3 ||
      read.data != job.pixels) {
    throw std::runtime_error("OpenCV finds another size than the header's");
  }
  uint8_t* end = job.pixels + size_t(job.width) * size_t(job.height) * 3;
  for (uint8_t* pixel = job.pixels; pixel < end; pixel += 3) std::swap(pixel[0], pixel[2]);
}

struct GifInput {
  const uint8_t* bytes;
  size_t size, at;
};

int read_gif_bytes(GifFileType* gif, GifByteType* to, int count) {
  auto* input = static_cast<GifInput*>(gif->UserData);
  const size_t given = std::min(size_t(count), input->size - input->at);
  std::memcpy(to, input->bytes + input->at, given);
  input->at += given;
  return static_cast<int>(given);
}

class Gif {
 public:
  explicit Gif(GifInput& input) : gif_(DGifOpen(&input, read_gif_bytes, &error_)) {
    if (gif_ == nullptr) fail();
  }
  ~Gif() { DGifCloseFile(gif_, nullptr); }
  Gif(const Gif&) = delete;
  Gif& operator=(const Gif&) = delete;

  void decode_first(const DtrainImagesJob& job) {
    skip_to_frame();
    const GifImageDesc& frame = gif_->Image;
    const ColorMapObject* map = frame.ColorMap != nullptr ? frame.ColorMap : gif_->SColorMap;
    if (map == nullptr) throw std::runtime_error("the GIF has no palette");
    if (frame.Left < 0 || frame.Top < 0 || frame.Width <= 0 || frame.Height <= 0 ||
        frame.Left + frame.Width > job.width || frame.Top + frame.Height > job.height) {
      throw std::runtime_error("the first frame is larger than the image");
    }
    // As Pillow: what the first frame leaves open has the transparent colour, or the first.
    for (int64_t i = 0; i < int64_t{job.width} * job.height; ++i) {
      put(*map, transparent_, job.pixels + 3 * i);
    }
    std::vector<GifPixelType> row(static_cast<size_t>(frame.Width));
    const int begins[] = {0, 4, 2, 1}, steps[] = {8, 8, 4, 2};
    const bool interlaced = frame.Interlace;
    for (int pass = 0; pass < (interlaced ? 4 : 1); ++pass) {
      for (int y = interlaced ? begins[pass] : 0; y < frame.Height;
           y += interlaced ? steps[pass] : 1) {
        if (DGifGetLine(gif_, row.data(), frame.Width) != GIF_OK) fail();
        uint8_t* to = job.pixels + (int64_t{frame.Top + y} * job.width + int64_t{frame.Left}) * 3;
        for (const GifPixelType index : row) {
          put(*map, index, to);
          to += 3;
        }
      }
    }
  }

 private:
  [[noreturn]] void fail() const {
    const char* text = GifErrorString(gif_ != nullptr ? gif_->Error : error_);
    throw std::runtime_error(text != nullptr ? text : "giflib cannot decode them");
  }

  static void put(const ColorMapObject& map, int index, uint8_t* to) {
    const bool known = index < map.ColorCount;
    const GifColorType color = known ? map.Colors[index] : GifColorType{0, 0, 0};
    to[0] = color.Red;
    to[1] = color.Green;
    to[2] = color.Blue;
  }

  void skip_to_frame() {
    for (;;) {
      GifRecordType kind = UNDEFINED_RECORD_TYPE;
      if (DGifGetRecordType(gif_, &kind) != GIF_OK) fail();
      if (kind == IMAGE_DESC_RECORD_TYPE) {
        if (DGifGetImageDesc(gif_) != GIF_OK) fail();
        return;
      }
      if (kind != EXTENSION_RECORD_TYPE) throw std::runtime_error("the GIF has no frame");
      int code = 0;
      GifByteType* block = nullptr;
      if (DGifGetExtension(gif_, &code, &block) != GIF_OK) fail();
      while (block != nullptr) {
        if (code == GRAPHICS_EXT_FUNC_CODE && block[0] >= 4 && (block[1] & 1) != 0) {
          transparent_ = block[4];
        }
        if (DGifGetExtensionNext(gif_, &block) != GIF_OK) fail();
      }
    }
  }

  int error_ = 0, transparent_ = 0;
  GifFileType* gif_;
};

}  // namespace

extern "C" __attribute__((visibility("default"))) int dtrain_images_version() {
  return prepared ? kDtrainImagesVersion : 0;
}

extern "C" __attribute__((visibility("default"))) int dtrain_images_decode(DtrainImagesJob* job) {
  try {
    if (job->is_gif != 0) {
      GifInput input{job->bytes, job->size, 0};
      Gif(input).decode_first(*job);
    } else {
      decode_by_opencv(*job);
    }
    return kDtrainImagesDone;
  } catch (const std::bad_alloc&) {
    return kDtrainImagesNoMemory;
  } catch (const cv::Exception& error) {
    std::snprintf(job->message, sizeof job->message, "OpenCV: %s", error.err.c_str());
    return error.code == cv::Error::StsNoMem ? kDtrainImagesNoMemory : kDtrainImagesBad;
  } catch (const std::exception& error) {
    std::snprintf(job->message, sizeof job->message, "%s", error.what());
    return kDtrainImagesBad;
  } catch (...) {
    std::snprintf(job->message, sizeof job->message, "an unknown error");
    return kDtrainImagesBad;
  }
}
