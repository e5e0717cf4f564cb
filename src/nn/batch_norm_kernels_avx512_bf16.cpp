// The kernels for processors with AVX-512 that also convert to bfloat16 in one instruction.
#define DTRAIN_INSTRUCTIONS "avx512_bf16"
#define DTRAIN_VECTOR_BYTES 64
#define DTRAIN_KERNEL_SET kAvx512Bf16Kernels
#include "nn/batch_norm_kernels.inc"
