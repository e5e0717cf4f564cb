// Where the loader's slots come from.
#pragma once

#include <cstddef>
#include <cstdint>

namespace dtrain::data {

// Injected, so that a GPU build can hand out pinned memory. Must outlive the loaders that use it.
class SlotAllocator {
 public:
  virtual ~SlotAllocator() = default;
  virtual uint8_t* allocate(size_t bytes) = 0;
  virtual void release(uint8_t* slot, size_t bytes) noexcept = 0;
};

// Ordinary memory, aligned to 64 bytes.
SlotAllocator& aligned_slot_allocator();

}  // namespace dtrain::data
