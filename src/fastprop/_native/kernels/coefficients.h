/* Polynomials of the elementary functions, lowest power first: made by tools/coefficients.py. */
#include "vec.h"

/* (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2 */
#define EXPM1_TERMS BY_TYPE(5, 11)
#if FASTPROP_BITS == 32
static const real EXPM1_C[] = {0x1.0000000000000p-1f, 0x1.5554de0000000p-3f, 0x1.55551a0000000p-5f, 0x1.120b620000000p-7f, 0x1.6d10fc0000000p-10f};
#else
static const real EXPM1_C[] = {0x1.0000000000000p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.11111111100dfp-7, 0x1.6c16c16c162d6p-10, 0x1.a01a01abe62ddp-13, 0x1.a01a01a6d7808p-16, 0x1.71de02375656cp-19, 0x1.27e4db67b4303p-22, 0x1.af4ddd84882fep-26, 0x1.1f72fc730b4ffp-29};
#endif

/* (log((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2, s <= 3 - sqrt(8) */
#define LOG_TERMS BY_TYPE(4, 8)
#if FASTPROP_BITS == 32
static const real LOG_C[] = {0x1.5555560000000p-1f, 0x1.9999ec0000000p-2f, 0x1.245c440000000p-2f, 0x1.ddced80000000p-3f};
#else
static const real LOG_C[] = {0x1.5555555555555p-1, 0x1.9999999999a38p-2, 0x1.2492492476cccp-2, 0x1.c71c720159177p-3, 0x1.745cf9048dd93p-3, 0x1.3b1c355a8f7f5p-3, 0x1.0fbe95d7158cbp-3, 0x1.0c039c499cc37p-3};
#endif

/* (tanh(x) - x) / x**3 in z = x**2, |x| <= 0.625 */
#define TANH_TERMS BY_TYPE(6, 13)
#if FASTPROP_BITS == 32
static const real TANH_C[] = {-0x1.5555560000000p-2f, 0x1.1110ea0000000p-3f, -0x1.ba08c40000000p-5f, 0x1.64a9760000000p-6f, -0x1.116a160000000p-7f, 0x1.2c83c00000000p-9f};
#else
static const real TANH_C[] = {-0x1.5555555555555p-2, 0x1.111111111110dp-3, -0x1.ba1ba1ba1aff0p-5, 0x1.664f488279254p-6, -0x1.226e354ddfe9ap-7, 0x1.d6d3cc561e69ap-9, -0x1.7da2fd76a3cf0p-10, 0x1.355204d5878b4p-11, -0x1.f4fccb8116e75p-13, 0x1.92d3563b402e1p-14, -0x1.370efd62e8bd2p-15, 0x1.99b26df70a9e9p-17, -0x1.47559de55837cp-19};
#endif

#define LN2_HIGH BY_TYPE(0x1.62e4000000000p-1f, 0x1.62e42fefa3000p-1)
#define LN2_LOW BY_TYPE(0x1.7f7d1c0000000p-20f, 0x1.3de6af278ece6p-42)
#define LOG2_E BY_TYPE(0x1.7154760000000p+0f, 0x1.71547652b82fep+0)
