// The kernels for processors with AVX2.
#define DTRAIN_INSTRUCTIONS "avx2"
#define DTRAIN_VECTOR_BYTES 32
#define DTRAIN_KERNEL_SET kAvx2Kernels
#include "nn/batch_norm_kernels.inc"
