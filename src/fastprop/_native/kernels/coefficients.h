/* The elementary functions' polynomials, lowest power first, and constants: made by tools/coefficients.py. */
#ifndef FASTPROP_COEFFICIENTS_H
#define FASTPROP_COEFFICIENTS_H

#include "vec.h"

/* (exp(r) - 1 - r) / r**2 on |r| <= ln(2) / 2 */
#define EXPM1_TERMS BY_TYPE(6, 11)
#if FASTPROP_BITS == 32
static const real EXPM1_C[] = {0x1.0000000000000p-1f, 0x1.5555560000000p-3f, 0x1.5555020000000p-5f, 0x1.110fc80000000p-7f, 0x1.6d2e040000000p-10f, 0x1.a2cb5e0000000p-13f};
#else
static const real EXPM1_C[] = {0x1.0000000000000p-1, 0x1.5555555555557p-3, 0x1.5555555555556p-5, 0x1.1111111110052p-7, 0x1.6c16c16c15ffap-10, 0x1.a01a01ac1d20dp-13, 0x1.a01a01a818b55p-16, 0x1.71de01afd7672p-19, 0x1.27e4d8178c1a9p-22, 0x1.af4ec433d48e8p-26, 0x1.1f78e298c4fcbp-29};
#endif

/* (log((1 + s) / (1 - s)) - 2 s) / s**3 in z = s**2, s <= 3 - sqrt(8) */
#define LOG_TERMS BY_TYPE(4, 8)
#if FASTPROP_BITS == 32
static const real LOG_C[] = {0x1.5555560000000p-1f, 0x1.99986c0000000p-2f, 0x1.24c2100000000p-2f, 0x1.ce5d920000000p-3f};
#else
static const real LOG_C[] = {0x1.5555555555555p-1, 0x1.9999999999d57p-2, 0x1.249249242f2dcp-2, 0x1.c71c725be2617p-3, 0x1.745cdba4bfdd9p-3, 0x1.3b214fe9ccaabp-3, 0x1.0f4afab6e3ec2p-3, 0x1.101b0869ad248p-3};
#endif

/* (tanh(x) - x) / x**3 in z = x**2, |x| <= 0.625 */
#define TANH_TERMS BY_TYPE(6, 13)
#if FASTPROP_BITS == 32
static const real TANH_C[] = {-0x1.5555560000000p-2f, 0x1.11113a0000000p-3f, -0x1.ba1b140000000p-5f, 0x1.6581280000000p-6f, -0x1.15bfa40000000p-7f, 0x1.3cb5ec0000000p-9f};
#else
static const real TANH_C[] = {-0x1.5555555555555p-2, 0x1.111111111105dp-3, -0x1.ba1ba1ba0d805p-5, 0x1.664f487e9f182p-6, -0x1.226e34b038c07p-7, 0x1.d6d3ad2ad8c4bp-9, -0x1.7da0fa1d50bfep-10, 0x1.353ba580de440p-11, -0x1.f3ac007207e21p-13, 0x1.8c35ae2961adbp-14, -0x1.21c5a6a0eb500p-15, 0x1.4a73769ab3c20p-17, -0x1.8b0bc05360abap-20};
#endif

/* erf(x) / x - 1 in z = x**2, |x| <= 1 */
#define ERF_TERMS BY_TYPE(8, 14)
#if FASTPROP_BITS == 32
static const real ERF_C[] = {0x1.06eba80000000p-3f, -0x1.8127440000000p-2f, 0x1.ce2ea00000000p-4f, -0x1.b821e60000000p-6f, 0x1.55dcc60000000p-8f, -0x1.b99eb60000000p-11f, 0x1.c773480000000p-14f, -0x1.1fd45c0000000p-17f};
#else
static const real ERF_C[] = {0x1.06eba8214db69p-3, -0x1.812746b037a02p-2, 0x1.ce2f21a043b39p-4, -0x1.b82ce312c9040p-6, 0x1.565bcd17e78b1p-8, -0x1.c02db5bf44215p-11, 0x1.f9a35d6154cf9p-14, -0x1.f4d6e39d4c49fp-17, 0x1.ba29d078221cbp-20, -0x1.622465af90574p-23, 0x1.11289c19070a9p-26, -0x1.fbaaf18836880p-30, 0x1.46d476713e659p-32, -0x1.371953252d2fdp-35};
#endif

/* log(erfc(1 + u)) on 0 <= u <= 3 or 5, its error weighted by erfc(1 + u) */
#define ERFC_TERMS BY_TYPE(9, 22)
#if FASTPROP_BITS == 32
static const real ERFC_C[] = {-0x1.d97fc00000000p+0f, -0x1.51c99e0000000p+1f, -0x1.afaf100000000p-1f, -0x1.5370ce0000000p-5f, 0x1.3e99860000000p-7f, -0x1.9b87aa0000000p-10f, -0x1.47469c0000000p-15f, 0x1.ad82ec0000000p-14f, -0x1.36fb560000000p-16f};
#else
static const real ERFC_C[] = {-0x1.d97fbf27aa2a1p+0, -0x1.51c9b0006c241p+1, -0x1.afabc11a28c67p-1, -0x1.5477f09ce39d9p-5, 0x1.48c9d416a69f5p-7, -0x1.033f6acc4ac2ap-9, 0x1.f1b51c67dc8e3p-13, 0x1.b8b3a7f6aac1bp-16, -0x1.c73e25477dcc7p-16, 0x1.40ee598ceddffp-17, -0x1.0c570af539ce6p-19, 0x1.580b39123e66fp-24, 0x1.3cf2843dffa4dp-23, -0x1.639bc93408abbp-24, 0x1.fa75363802d86p-26, -0x1.182c5ec3822fbp-27, 0x1.f5d1f9b244385p-30, -0x1.68a436143a239p-32, 0x1.8ff919bc32905p-35, -0x1.3f00540d136f6p-38, 0x1.42d3cacea886cp-42, -0x1.34f1ba249aedbp-47};
#endif

/* log(cosh(x / 2)) / z in z = x**2, |x| <= 1 */
#define SOFTPLUS_TERMS BY_TYPE(5, 10)
#if FASTPROP_BITS == 32
static const real SOFTPLUS_C[] = {0x1.0000000000000p-3f, -0x1.5555280000000p-8f, 0x1.6bfb620000000p-12f, -0x1.b4e0980000000p-16f, 0x1.d5ae680000000p-20f};
#else
static const real SOFTPLUS_C[] = {0x1.0000000000000p-3, -0x1.555555555548ap-8, 0x1.6c16c16bf71cfp-12, -0x1.ba1ba19ec8d08p-16, 0x1.1ea5cdcc5175cp-19, -0x1.833c34ff5cde7p-23, 0x1.0cf0eea730758p-26, -0x1.7b3a7cc93b951p-30, 0x1.01b03ab6b8c33p-33, -0x1.01f4f921059e8p-37};
#endif

/* (w + 5) Phi(-w) / exp(-w**2 / 2) in q = (w - 5) / (w + 5), w from 0 until that exp is 0; Phi the normal distribution's */
#define NORMAL_TERMS BY_TYPE(10, 22)
#if FASTPROP_BITS == 32
static const real NORMAL_C[] = {0x1.89d3ac0000000p-1f, -0x1.54ad040000000p-1f, 0x1.fb31820000000p-2f, -0x1.410ee40000000p-2f, 0x1.51f0d60000000p-3f, -0x1.1b1c920000000p-4f, 0x1.55d0520000000p-6f, -0x1.83f3180000000p-9f, -0x1.f1ee6e0000000p-11f, 0x1.b52ed40000000p-12f};
#else
static const real NORMAL_C[] = {0x1.89d3abe1f95aep-1, -0x1.54ad03f27ca16p-1, 0x1.fb31653876f6dp-2, -0x1.410ed5f875b10p-2, 0x1.51f6329f02281p-3, -0x1.1b1c254c9567cp-4, 0x1.54b4d4f460c4dp-6, -0x1.88590eb3f32c7p-9, -0x1.a25037668f31bp-11, 0x1.1daf1e79bc64cp-11, -0x1.f214880e18858p-15, -0x1.a17134470eaeep-15, 0x1.17de0f0850a6ep-16, 0x1.0b311abedc6f9p-18, -0x1.73ba75e14596ap-19, -0x1.6ab3a742207d3p-22, 0x1.d158f53f7e47cp-22, 0x1.782ccc304a903p-25, -0x1.1ac49a6f15fc2p-24, -0x1.65fdaf4d0aee2p-27, 0x1.f8d421d748aeep-28, 0x1.20b5d570103a1p-29};
#endif

/* (sin(r) - r) / r**3 in z = r**2, |r| <= pi/4 */
#define SIN_TERMS BY_TYPE(4, 7)
#if FASTPROP_BITS == 32
static const real SIN_C[] = {-0x1.5555560000000p-3f, 0x1.1111980000000p-7f, -0x1.a0825c0000000p-13f, 0x1.8713960000000p-19f};
#else
static const real SIN_C[] = {-0x1.5555555555555p-3, 0x1.1111111111021p-7, -0x1.a01a019fe9b99p-13, 0x1.71de3a12b1d21p-19, -0x1.ae63fc6ce84dbp-26, 0x1.60e95bb834ab0p-33, -0x1.8f6f67264c1fep-41};
#endif

/* (cos(r) - 1 + z / 2) / z**2 in z = r**2 */
#define COS_TERMS BY_TYPE(3, 6)
#if FASTPROP_BITS == 32
static const real COS_C[] = {0x1.5555540000000p-5f, -0x1.6c128e0000000p-10f, 0x1.9bbd0e0000000p-16f};
#else
static const real COS_C[] = {0x1.5555555555555p-5, -0x1.6c16c16c168b0p-10, 0x1.a01a019f30d1bp-16, -0x1.27e4f9f896355p-22, 0x1.1eeb4cb0c2dffp-29, -0x1.906b53a36487bp-37};
#endif

/* tanh in eight pieces for float32, a column each: rows of centers, c0, c1, ... */
#define TANH_ROWS 9
#define TANH_SPREAD ((real)1.6)
#define TANH_ONE ((real)9.3)
#if FASTPROP_BITS == 32
static const real TANH_TABLE[] = {
    0x1.e0b8000000000p-1f, 0x1.8e70000000000p+0f, 0x1.3f74000000000p+1f, 0x1.dfbe000000000p+1f, 0x1.67ab000000000p+2f, 0x1.02fe000000000p+3f, 0x0.0p+0f, 0x1.de60000000000p-2f,
    0x1.782cfc0000000p-1f, 0x1.d465380000000p-1f, 0x1.f9168e0000000p-1f, 0x1.ff6e820000000p-1f, 0x1.fffc8e0000000p-1f, 0x1.fffffa0000000p-1f, 0x0.0p+0f, 0x1.be5db20000000p-2f,
    0x1.d73bd20000000p-2f, 0x1.4dfb860000000p-3f, 0x1.b760340000000p-6f, 0x1.22d2a40000000p-9f, 0x1.b8f0060000000p-15f, 0x1.9119ca0000000p-22f, 0x1.ab033c0000000p-31f, 0x1.9eb6ac0000000p-1f,
    -0x1.5a39b80000000p-2f, -0x1.3189d80000000p-3f, -0x1.b16f4c0000000p-6f, -0x1.2282560000000p-9f, -0x1.ba1f7a0000000p-15f, -0x1.bfc0c60000000p-22f, -0x1.015e2e0000000p-22f, -0x1.698d020000000p-2f,
    0x1.85350a0000000p-4f, 0x1.5061aa0000000p-4f, 0x1.191ef80000000p-6f, 0x1.827a8e0000000p-10f, 0x1.267af20000000p-15f, 0x1.09f9740000000p-22f, -0x1.5552300000000p-2f, -0x1.db79e60000000p-4f,
    0x1.601a0c0000000p-5f, -0x1.a0563e0000000p-6f, -0x1.09fdb60000000p-7f, -0x1.8033640000000p-11f, -0x1.1d48220000000p-16f, -0x1.0e24a80000000p-24f, -0x1.d343300000000p-13f, 0x1.58a7040000000p-3f,
    -0x1.b2702e0000000p-5f, -0x1.121e580000000p-11f, 0x1.79f5000000000p-9f, 0x1.30d33c0000000p-12f, 0x1.cc44ce0000000p-18f, 0x1.b977380000000p-25f, 0x1.1504120000000p-3f, -0x1.16ad5c0000000p-6f,
    0x1.fc19f40000000p-7f, 0x1.7d24880000000p-8f, -0x1.6801ce0000000p-11f, -0x1.a2d5e40000000p-14f, -0x1.83322e0000000p-19f, -0x1.70f6640000000p-25f, -0x1.0b31ca0000000p-7f, -0x1.cbbdc60000000p-5f,
    0x1.cb9de60000000p-8f, -0x1.c0bf5e0000000p-9f, 0x1.a470bc0000000p-15f, 0x1.c6a5a40000000p-16f, 0x1.ac87640000000p-21f, 0x1.332bfc0000000p-28f, -0x1.4323340000000p-5f, 0x1.0d10ba0000000p-5f,
};
#else
static const real TANH_TABLE[8 * TANH_ROWS]; /* not used */
#endif

#define LOG2_E BY_TYPE(0x1.7154760000000p+0f, 0x1.71547652b82fep+0)
#define TWO_OVER_PI BY_TYPE(0x1.45f3060000000p-1f, 0x1.45f306dc9c883p-1)
#define LN2_HIGH BY_TYPE(0x1.62e4300000000p-1f, 0x1.62e42fefa39efp-1)
#define LN2_LOW BY_TYPE(-0x1.05c6100000000p-29f, 0x1.abc9e3b39803fp-56)
#define PI2_1 BY_TYPE(0x1.921fb60000000p+0f, 0x1.921fb54442d18p+0)
#define PI2_2 BY_TYPE(-0x1.777a5c0000000p-25f, 0x1.1a62633145c07p-54)
#define PI2_3 BY_TYPE(-0x1.ee59da0000000p-50f, -0x1.f1976b7ed8fbcp-110)
/* pi/2 in two doubles, and 2/pi's binary digits, 32 at a time. */
#define PI2_DOUBLE 0x1.921fb54442d18p+0
#define PI2_DOUBLE_LOW 0x1.1a62633145c07p-54
static const uint32_t TWO_OVER_PI_WORDS[] = {0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f, 0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20};

#endif
