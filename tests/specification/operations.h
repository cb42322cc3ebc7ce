/* Random masks, orders of rows, and the operations of layers: specification.h includes this.
 *
 * An operation reads arrays r (m, n), or what its text in the kernels says, whose rows are `row` reals apart, writes
 * arrays w, and has settings s.
 */

static uint32_t word_of_philox(uint64_t block, uint32_t c2, uint32_t c3, uint64_t key, int which) {
    uint32_t c[4] = {(uint32_t)block, (uint32_t)(block >> 32), c2, c3};
    uint32_t key0 = (uint32_t)key, key1 = (uint32_t)(key >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)0xD2511F53 * c[0], product1 = (uint64_t)0xCD9E8D57 * c[2];
        uint32_t next[4] = {(uint32_t)(product1 >> 32) ^ c[1] ^ key0, (uint32_t)product1,
                            (uint32_t)(product0 >> 32) ^ c[3] ^ key1, (uint32_t)product0};
        memcpy(c, next, sizeof c);
        key0 += 0x9E3779B9;
        key1 += 0xBB67AE85;
    }
    return c[which];
}

void NAME(random_mask)(real *mask, size first, size count, size c2, size c3, size seed, size threshold, double kept) {
    for (size i = 0; i < count; i++) {
        uint64_t p = (uint64_t)(first + i), group = p / 64, word = p % 64 / 16, lane = p % 16;
        uint32_t bits = word_of_philox(16 * group + lane, (uint32_t)c2, (uint32_t)c3, (uint64_t)seed, (int)word);
        mask[i] = bits >= (uint32_t)threshold ? (real)kept : 0;
    }
}

/* The upper 64 of the 128 bits of a b, a word of b at a time from the lowest. */
static uint64_t upper_half(uint64_t a, uint64_t b) {
    uint64_t carried = (uint64_t)(uint32_t)a * (uint32_t)b >> 32;
    uint64_t low = (a >> 32) * (uint32_t)b + carried, high = (uint64_t)(uint32_t)a * (b >> 32);
    return (a >> 32) * (b >> 32) + (low >> 32) + (high >> 32) + (((uint32_t)low + (uint64_t)(uint32_t)high) >> 32);
}

/* Fisher and Yates' shuffle: row i is exchanged with one of 0..i, by the 64 bits at position i. */
void NAME(shuffle)(size *rows, size n, size c2, size c3, size seed) {
    for (size i = 0; i < n; i++) rows[i] = i;
    for (size i = n - 1; i > 0; i--) {
        uint64_t bits = 0;
        for (int word = 0; word < 2; word++) {
            uint64_t half = word_of_philox((uint64_t)i / 2, (uint32_t)c2, (uint32_t)c3, (uint64_t)seed, i % 2 * 2 + word);
            bits |= half << 32 * word;
        }
        size j = (size)upper_half(bits, (uint64_t)i + 1), held = rows[i];
        rows[i] = rows[j];
        rows[j] = held;
    }
}

#define OPERATION(name) \
    void NAME(name)(const real **r, real **w, size m, size n, size row, const double *s)
#define EACH \
    (void)row, (void)s; \
    for (size i = 0; i < m; i++) \
        for (size j = 0, at = i * n; j < n; j++, at++)

static real inverse_root(real x) { return 1 / BY_TYPE(sqrtf, sqrt)(x); }

OPERATION(elementwise_sum) { EACH w[0][at] = r[0][at] + r[1][at]; }
OPERATION(elementwise_product) { EACH w[0][at] = r[0][at] * r[1][at]; }
OPERATION(masked) { EACH w[0][at] = fused(r[0][at], r[1][at], (real)(r[1][at] > 0 ? s[0] : s[1])); }
OPERATION(weighted_sum) { EACH w[0][at] = fused((real)s[0], r[0][at], (real)s[1] * r[1][at]); }
OPERATION(standardize_columns) { EACH w[0][at] = (r[0][at] - r[1][j]) * r[2][j]; }
OPERATION(affine_columns) { EACH w[0][at] = r[2] ? fused(r[0][at], r[1][j], r[2][j]) : r[0][at] * r[1][j]; }

/* The sum down a column of x y or, without x, of y; of (y - shift)**2 where x is y. */
static real column_dot(const real *x, const real *y, size m, size row, real shift) {
    real total = 0;
    for (size first = 0; first < m; first += BLOCK) {
        real chain = 0;
        for (size i = first; i < least(first + BLOCK, m); i++)
            chain = x ? fused(x[i * row] - shift, y[i * row] - shift, chain) : chain + y[i * row];
        total = first == 0 ? chain : total + chain;
    }
    return total;
}

OPERATION(column_moments) {
    (void)s;
    for (size j = 0; j < n; j++) {
        w[0][j] = column_dot(NULL, r[0] + j, m, row, 0) / (real)m;
        w[1][j] = column_dot(r[0] + j, r[0] + j, m, row, w[0][j]) / (real)m;
    }
}

OPERATION(column_dots) {
    (void)s;
    for (size j = 0; j < n; j++) {
        w[0][j] = column_dot(r[0] + j, r[1] + j, m, row, 0);
        w[1][j] = column_dot(NULL, r[1] + j, m, row, 0);
    }
}

OPERATION(inverse_deviations) { EACH w[0][at] = inverse_root(r[0][at] + (real)s[0]); }

OPERATION(batch_norm_backward) {
    EACH {
        real factor = r[2] ? r[2][j] * r[3][j] : r[3][j];
        w[0][at] = factor * fused(fused(r[1][at], r[4][j], r[5][j]), (real)-s[0], r[0][at]);
    }
}

OPERATION(normalize_rows) {
    (void)row;
    for (size i = 0; i < m; i++) {
        const real *x = r[0] + i * n;
        real *a = w[0] + i * n, mean = s[1] ? row_sum(x, n) / (real)n : 0;
        for (size j = 0; j < n; j++) a[j] = x[j] - mean;
        w[1][i] = inverse_root(row_dot(a, a, n, 0) / (real)n + (real)s[0]);
        for (size j = 0; j < n; j++) a[j] = a[j] * w[1][i];
    }
}

OPERATION(normalize_rows_backward) {
    (void)row;
    for (size i = 0; i < m; i++) {
        const real *delta = r[0] + i * n, *x = r[1] + i * n;
        real mean = s[1] ? row_sum(delta, n) / (real)n : 0, dot = row_dot(delta, x, n, 0) / (real)n;
        for (size j = 0; j < n; j++) w[0][i * n + j] = r[2][i] * fused(x[j], -dot, delta[j] - mean);
    }
}

/* What layers learn, and what prepares inputs. */

OPERATION(prelu) { EACH w[0][at] = r[0][at] > 0 ? r[0][at] : r[1][j] * r[0][at]; }
OPERATION(prelu_backward) { EACH w[0][at] = r[0][at] > 0 ? r[2][at] : r[1][j] * r[2][at]; }

OPERATION(negative_dots) {
    (void)s, (void)row;
    for (size j = 0; j < n; j++) {
        real total = 0;
        for (size first = 0; first < m; first += BLOCK) {
            real chain = 0;
            for (size i = first; i < least(first + BLOCK, m); i++)
                chain = fused(r[0][i * n + j] > 0 ? 0 : r[0][i * n + j], r[1][i * n + j], chain);
            total = first == 0 ? chain : total + chain;
        }
        w[0][j] = total;
    }
}

OPERATION(row_sums) {
    (void)s, (void)row;
    for (size i = 0; i < m; i++) w[0][i] = row_sum(r[0] + i * n, n);
}

OPERATION(blend) {
    EACH {
        w[1][at] = r[2][at] - r[0][at];
        w[0][at] = fused(r[1][j], w[1][at], r[0][at]);
    }
}

OPERATION(blend_backward) { EACH w[0][at] = fused(r[0][at], 1 - r[1][j], r[2][at]); }

static real clip_root(real x, real inverse) { return BY_TYPE(sqrtf, sqrt)(fused(x * inverse, x * inverse, 1)); }

OPERATION(smooth_clip) { EACH w[0][at] = r[0][at] / clip_root(r[0][at], (real)s[0]); }

OPERATION(smooth_clip_backward) {
    EACH {
        real d = clip_root(r[1][at], (real)s[0]);
        w[0][at] = r[0][at] / (d * (d * d));
    }
}

OPERATION(waves) {
    EACH {
        *(s[0] ? w[0] + 2 * i * n + j : w[0] + at) = NAME(cos)(r[0][at]);
        *(s[0] ? w[0] + 2 * i * n + n + j : w[1] + at) = NAME(sin)(r[0][at]);
    }
}

OPERATION(waves_backward) {
    EACH {
        size of_cos = s[0] ? 2 * i * n + j : at;
        real by_cosine = 0 - r[0][of_cos] * r[1][s[0] ? of_cos + n : at];
        w[0][at] = s[0] ? fused(r[0][of_cos + n], r[1][of_cos], by_cosine) : by_cosine;
    }
}
