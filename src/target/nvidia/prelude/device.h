// What stands before every CUDA candidate that NVRTC compiles: the integer types, and what a tensor map of the plan is to
// a kernel (`const __grid_constant__ CUtensorMap map`), so that nothing has to be included.
typedef signed char int8_t;
typedef short int16_t;
typedef int int32_t;
typedef long int64_t;
typedef unsigned char uint8_t;
typedef unsigned short uint16_t;
typedef unsigned int uint32_t;
typedef unsigned long uint64_t;
typedef unsigned long uintptr_t;
typedef long intptr_t;
struct __align__(64) CUtensorMap { uint64_t opaque[16]; };
