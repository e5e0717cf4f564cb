// DTRAIN_WIDE in front of a function compiles it once more for processors with AVX2 and with
// AVX-512; the widest that runs here is chosen when the program starts. For short loops over
// arrays: what they call is compiled once more only where it is inlined.
#pragma once

// Levels of the x86-64 psABI and not a processor's name, which would choose by maker and model.
// Sanitizers cannot start such functions, and clang does not compile templates of them.
#if defined(__x86_64__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define DTRAIN_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DTRAIN_WIDE
#endif
