/* Optimizers' rules, and what stands around them: a part of specification.h. */

/* state: (states of the rule, count). k: the step's numbers, rounded once; k(0) is decay within the gradient, k(1) what
 * decay apart from it leaves of theta; 0 and 1 stand for no decay. */
#define k(i) ((real)settings[i])
#define GRADIENT(i) (settings[0] != 0 || settings[1] != 1 ? fused(k(0), theta[i], grad[i]) : grad[i])

static real flushed(real x) { return absolute(x) < SMALLEST_NORMAL ? 0 : x; }

void NAME(sgd)(real *theta, const real *grad, real *state, size count, const double *settings) {
    (void)state;
    for (size i = 0; i < count; i++) theta[i] = fused(k(2), GRADIENT(i), k(1) * theta[i]);
}

static void sgd_with_velocity(real *theta, const real *grad, real *v, size count, const double *settings, int nesterov) {
    for (size i = 0; i < count; i++) {
        real g = GRADIENT(i), scaled = settings[5] ? g : k(4) * g;
        v[i] = flushed(settings[5] ? g : fused(k(3), v[i], scaled));
        theta[i] = fused(k(2), nesterov ? fused(k(3), v[i], scaled) : v[i], k(1) * theta[i]);
    }
}

void NAME(sgd_momentum)(real *theta, const real *grad, real *state, size count, const double *settings) {
    sgd_with_velocity(theta, grad, state, count, settings, 0);
}

void NAME(sgd_nesterov)(real *theta, const real *grad, real *state, size count, const double *settings) {
    sgd_with_velocity(theta, grad, state, count, settings, 1);
}

/* The adaptive rules: g is the gradient with its share of decay, x theta after decay apart from it; s, t and u are the
 * parameter's number in the first, second and third state. */

static real root(real x) { return BY_TYPE(sqrtf, sqrt)(x); }
static real sign(real x) { return x > 0 ? 1 : 0 > x ? -1 : x; }
static real mean(real kept, real x, real share, real y) { return flushed(fused(kept, x, share * y)); }
static real mean_square(real kept, real x, real share, real y) { return flushed(fused(kept, x, share * y * y)); }

#define RULE(name, ...)                                                                                                \
    void NAME(name)(real *theta, const real *grad, real *state, size count, const double *settings) {                  \
        for (size i = 0; i < count; i++) {                                                                             \
            const real g = GRADIENT(i), x = k(1) * theta[i];                                                           \
            real *s = state + i, *t = s + count, *u = t + count;                                                       \
            (void)t, (void)u;                                                                                          \
            __VA_ARGS__;                                                                                               \
        }                                                                                                              \
    }

RULE(adam, {
    *s = mean(k(2), *s, k(3), g);
    *t = mean_square(k(4), *t, k(5), g);
    theta[i] = fused(k(8), *s / fused(k(6), root(*t), k(7)), x);
})
RULE(amsgrad, {
    *s = mean(k(2), *s, k(3), g);
    *t = mean_square(k(4), *t, k(5), g);
    *u = *t > *u ? *t : *u;
    theta[i] = fused(k(8), *s / fused(k(6), root(*u), k(7)), x);
})
RULE(nadam, {
    *s = mean(k(2), *s, k(3), g);
    *t = mean_square(k(4), *t, k(5), g);
    theta[i] = x + fused(k(8), g, k(9) * *s) / fused(k(6), root(*t), k(7));
})
RULE(adamax, {
    const real decayed = k(4) * *t, magnitude = absolute(g) + k(5);
    *s = mean(k(2), *s, k(3), g);
    *t = decayed > magnitude ? decayed : magnitude;
    theta[i] = fused(k(6), *s / *t, x);
})
RULE(adagrad, {
    *s = flushed(fused(g, g, *s));
    theta[i] = fused(k(3), g / (root(*s) + k(2)), x);
})
RULE(adadelta, {
    *s = mean_square(k(2), *s, k(3), g);
    const real d = root(*t + k(4)) / root(*s + k(4)) * g;
    *t = mean_square(k(2), *t, k(3), d);
    theta[i] = fused(k(5), d, x);
})
RULE(rmsprop, {
    *s = mean_square(k(2), *s, k(3), g);
    theta[i] = fused(k(5), g / (root(*s) + k(4)), x);
})
RULE(rmsprop_momentum, {
    *s = mean_square(k(2), *s, k(3), g);
    *t = flushed(fused(k(6), *t, g / (root(*s) + k(4))));
    theta[i] = fused(k(5), *t, x);
})
static real centered_square(real *s, real *a, real g, const double *settings) {
    *s = mean_square(k(2), *s, k(3), g);
    *a = mean(k(2), *a, k(3), g);
    const real v = fused(-*a, *a, *s);
    return v > 0 ? v : 0;
}
RULE(rmsprop_centered, { theta[i] = fused(k(5), g / (root(centered_square(s, t, g, settings)) + k(4)), x); })
RULE(rmsprop_centered_momentum, {
    *u = flushed(fused(k(6), *u, g / (root(centered_square(s, t, g, settings)) + k(4))));
    theta[i] = fused(k(5), *u, x);
})
RULE(rprop, {
    const real agreement = g * *s;
    real width = *t * (agreement > 0 ? k(3) : 0 > agreement ? k(2) : 1);
    width = k(4) > width ? k(4) : width;
    *t = width > k(5) ? k(5) : width;
    *s = 0 > agreement ? 0 : g;
    theta[i] = fused(-sign(*s), *t, x);
})
RULE(lion, {
    const real direction = sign(fused(k(2), *s, k(3) * g));
    *s = mean(k(4), *s, k(5), g);
    theta[i] = fused(k(6), direction, x);
})

/* Around a rule. */

static real limited(real x, real limit) { return x > limit ? limit : -limit > x ? -limit : x; }

void NAME(add_to)(const real *x, real *sum, size count) {
    for (size i = 0; i < count; i++) sum[i] = sum[i] + x[i];
}

void NAME(squares)(const real *x, double *sums, size count, double scale, double limit) {
    for (size first = 0; first < count; first += BLOCK) {
        real lane[LANES] = {0};
        for (size i = 0; i < least(BLOCK, count - first); i++) {
            const real v = limited((real)scale * x[first + i], (real)limit);
            lane[i % LANES] = fused(v, v, lane[i % LANES]);
        }
        sums[first / BLOCK] = sum_of_lanes(lane);
    }
}

void NAME(magnitudes)(const real *x, double *sums, size count) {
    for (size first = 0; first < count; first += BLOCK) {
        real lane[LANES] = {0};
        for (size i = 0; i < least(BLOCK, count - first); i++) {
            const real v = x[first + i];
            lane[i % LANES] = lane[i % LANES] + (v < 0 ? -v : v);
        }
        sums[first / BLOCK] = sum_of_lanes(lane);
    }
}

void NAME(shape_gradient)(const real *theta, real *grad, size count, double scale, double limit, double factor,
                          double l1) {
    for (size i = 0; i < count; i++)
        grad[i] = fused((real)l1, sign(theta[i]), (real)factor * limited((real)scale * grad[i], (real)limit));
}

void NAME(average)(const real *theta, real *average, size count, double share) {
    for (size i = 0; i < count; i++) average[i] = fused((real)share, theta[i] - average[i], average[i]);
}

void NAME(limit_columns)(real *W, size m, size n, size first_column, size last_column, double limit) {
    for (size j = first_column; j < last_column; j++) {
        real total = 0;
        for (size first = 0; first < m; first += BLOCK) {
            real chain = 0;
            for (size i = first; i < least(first + BLOCK, m); i++) chain = fused(W[i * n + j], W[i * n + j], chain);
            total = first == 0 ? chain : total + chain;
        }
        const real norm = root(total);
        if (norm > (real)limit)
            for (size i = 0; i < m; i++) W[i * n + j] = (real)limit / (norm + (real)1e-7) * W[i * n + j];
    }
}
