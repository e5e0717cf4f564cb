// The kernels for any processor of the architecture.
#define DTRAIN_INSTRUCTIONS "baseline"
#define DTRAIN_VECTOR_BYTES 16
#define DTRAIN_KERNEL_SET kBaselineKernels
#include "nn/batch_norm_kernels.inc"
