/* The largest error in units in the last place, and breaks of monotony, of float32 results against the C library in
 * double, whose own error is below 2**-28 of such a unit. Compiled and called by ulp.py. */
#include <math.h>
#include <string.h>

static double sigmoid(double x) { return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)); }
static double softplus(double x) { return (x > 0 ? x : 0) + log1p(exp(-fabs(x))); }

static const struct {
    const char *name;
    double (*f)(double);
} FUNCTIONS[] = {
    {"exp", exp}, {"expm1", expm1}, {"log", log}, {"log1p", log1p}, {"tanh", tanh}, {"sigmoid", sigmoid},
    {"softplus", softplus}, {"erf", erf}, {"sin", sin}, {"cos", cos},
};

/* Distance of y from the exact value in the float's last place there; infinity where one is special, the other not. */
static double error_of(float y, double exact) {
    int exponent;
    if (isnan(exact)) return isnan(y) ? 0 : INFINITY;
    if ((float)exact == y) { /* includes the infinities; zeros must agree in sign where the exact one is a zero */
        if (exact == 0 && !signbit(y) != !signbit(exact)) return INFINITY;
        if (isinf(y)) return 0;
    } else if (!isfinite(y) || isinf(exact)) {
        return INFINITY;
    }
    if (exact == 0) return y == 0 ? 0 : INFINITY;
    frexp(exact, &exponent);
    return fabs(ldexp((double)y - exact, 24 - (exponent < -125 ? -125 : exponent)));
}

/* x ascends. at = where the largest error is; returns the largest error, or -1 for an unknown name. */
double largest_error(const char *name, const float *x, const float *y, long count, float *at) {
    double (*f)(double) = 0;
    double largest = -1;
    for (unsigned i = 0; i < sizeof FUNCTIONS / sizeof *FUNCTIONS; i++)
        if (!strcmp(name, FUNCTIONS[i].name)) f = FUNCTIONS[i].f;
    for (long i = 0; f && i < count; i++) {
        double error = error_of(y[i], f((double)x[i]));
        if (error > largest) largest = error, *at = x[i];
    }
    return largest;
}
