// The kernels for processors with AVX512.
#define DTRAIN_INSTRUCTIONS "avx512"
#define DTRAIN_VECTOR_BYTES 64
#define DTRAIN_KERNEL_SET kAvx512Kernels
#include "nn/batch_norm_kernels.inc"
