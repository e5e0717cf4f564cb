/* Counts the calls by which a process makes its host wait for a GPU. LD_PRELOAD=libcount_waits.so; at the end a
 * line of JSON is added to the file in DTRAIN_WAITS_FILE. Stands before libcudart, which LibTorch calls by name; the
 * waits of libraries that have the run-time library inside (cuBLAS, cuDNN) are not seen. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { kDeviceToHost = 2 }; /* cudaMemcpyKind */

static atomic_long stream_waits, event_waits, device_waits, copies, copies_to_host, allocations;

/* cudaErrorNotSupported where there is no such function behind this one. */
#define NEXT(name, types, arguments)                  \
  static int (*next) types;                           \
  if (next == NULL) next = (int (*) types)dlsym(RTLD_NEXT, #name); \
  return next == NULL ? 801 : next arguments

int cudaStreamSynchronize(void* stream) {
  atomic_fetch_add(&stream_waits, 1);
  NEXT(cudaStreamSynchronize, (void*), (stream));
}

int cudaEventSynchronize(void* event) {
  atomic_fetch_add(&event_waits, 1);
  NEXT(cudaEventSynchronize, (void*), (event));
}

int cudaDeviceSynchronize(void) {
  atomic_fetch_add(&device_waits, 1);
  NEXT(cudaDeviceSynchronize, (void), ());
}

int cudaMemcpy(void* to, const void* from, size_t bytes, int kind) {
  atomic_fetch_add(&copies, 1);
  NEXT(cudaMemcpy, (void*, const void*, size_t, int), (to, from, bytes, kind));
}

int cudaMemcpyAsync(void* to, const void* from, size_t bytes, int kind, void* stream) {
  if (kind == kDeviceToHost) atomic_fetch_add(&copies_to_host, 1);
  NEXT(cudaMemcpyAsync, (void*, const void*, size_t, int, void*), (to, from, bytes, kind, stream));
}

int cudaMalloc(void** memory, size_t bytes) {
  atomic_fetch_add(&allocations, 1);
  NEXT(cudaMalloc, (void**, size_t), (memory, bytes));
}

__attribute__((destructor)) static void write_counts(void) {
  const char* path = getenv("DTRAIN_WAITS_FILE");
  FILE* file = path == NULL ? NULL : fopen(path, "a");
  if (file == NULL) return;
  fprintf(file,
          "{\"pid\": %d, \"cudaStreamSynchronize\": %ld, \"cudaEventSynchronize\": %ld, "
          "\"cudaDeviceSynchronize\": %ld, \"cudaMemcpy\": %ld, \"cudaMemcpyAsync device to host\": %ld, "
          "\"cudaMalloc\": %ld}\n",
          (int)getpid(), stream_waits, event_waits, device_waits, copies, copies_to_host, allocations);
  fclose(file);
}
