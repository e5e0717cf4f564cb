// Slots in ordinary memory.
#include "data/loader/slot_allocator.h"

#include <new>

namespace dtrain::data {
namespace {

constexpr size_t kSlotAlignment = 64;

class AlignedSlotAllocator : public SlotAllocator {
 public:
  uint8_t* allocate(size_t bytes) override {
    return static_cast<uint8_t*>(::operator new (bytes, std::align_val_t{kSlotAlignment}));
  }
  void release(uint8_t* slot, size_t) noexcept override {
    ::operator delete (slot, std::align_val_t{kSlotAlignment});
  }
};

}  // namespace

SlotAllocator& aligned_slot_allocator() {
  static AlignedSlotAllocator allocator;
  return allocator;
}

}  // namespace dtrain::data
