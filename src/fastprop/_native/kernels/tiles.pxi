# The tile on which the matrix product stands: TILE_ROWS x TILE_VECS vectors of c in registers, over one block of k; and
# a strip, a column of tiles.

from fastprop._native.kernels.table cimport NO_SLOPE, RELU_SLOPE, TANH_SLOPE, Slope

cdef enum:
    PREFETCH_FROM = 128     # k: a shorter chain is over before c's lines have come
    CHAINS = 8              # that hide a multiply-add's latency: two a cycle, each of four cycles
    ROWS_OF_A_POINTER = 2   # in a tile, where rows lie apart: the first has no index in its address


cdef enum Last:             # A row's last vector
    FULL
    PART                    # not full
    LOW                     # the only one, of LOW_LANES or less: half the work where units are half as wide as vectors


cdef enum RowsOfA:          # A tile's:
    SEPARATE                # one row after the other
    ADJOINING               # side by side, for each k
    PACKED                  # the same in a panel, TILE_ROWS wide


cdef struct Strip:
    # The operands of one column of tiles: c (rows x columns), TILE_COLUMNS wide at most, over one block of k.
    Py_ssize_t k
    const real* a           # element (i, p) at a[i + p a_step] where a tile's rows adjoin, else a[i a_step + p]
    Py_ssize_t a_step
    Py_ssize_t a_next       # from one tile's first element to the next one's
    const real* b           # row p at b + p b_step
    Py_ssize_t b_step
    real* b_panel           # where the first tile copies b to, if it is to: TILE_COLUMNS reals a row
    real* c                 # row i at c + i c_step
    Py_ssize_t c_step
    Py_ssize_t rest         # columns in the last vector, where it is not full
    bint first              # the first block of k starts c, the later ones are added to it
    # With the last block, after it: the bias to be added, or NULL; whether relu follows; and which slope, of row i's a
    # at below + i c_step.
    const real* bias
    bint rectify
    Slope slope
    const real* below
    real one                # tanh's, see `tiles`
    Py_ssize_t n_tiles      # of TILE_ROWS rows
    Py_ssize_t rows_left    # below them
    Py_ssize_t lower_rows   # of the tiles there, at most
    # Of tiles that copy b, 1 or 0; and of each height below the whole ones, 1. Fields and not constants, because GCC
    # keeps accumulators in registers only where the loop over tiles remains a loop.
    Py_ssize_t n_first
    Py_ssize_t n_lower
    Ahead* ahead            # lines to ask for meanwhile, there may be none left; not where a and b lie in place


cdef inline vec load_columns(const real* p, const Py_ssize_t j, const Py_ssize_t n_vecs,
                             const bint part, Py_ssize_t rest) noexcept nogil:
    if part and j == n_vecs - 1:
        return v_load_part(p + j * LANES, rest)
    return v_load(p + j * LANES)


cdef inline void store_columns(real* p, vec v, const Py_ssize_t j, const Py_ssize_t n_vecs,
                               const bint part, Py_ssize_t rest) noexcept nogil:
    if part and j == n_vecs - 1:
        v_store_part(p + j * LANES, v, rest)
    else:
        v_store(p + j * LANES, v)


cdef struct Place:
    # Where a tile stands in its block of k.
    const real* a[TILE_ROWS]        # every ROWS_OF_A_POINTER-th row's next element; one for all where rows adjoin
    const real* b
    real* b_panel


cdef inline Py_ssize_t pointers_to(const Py_ssize_t n_rows, const RowsOfA rows_of_a) noexcept nogil:
    """How many pointers a tile has to its rows of a."""
    return (n_rows + ROWS_OF_A_POINTER - 1) // ROWS_OF_A_POINTER if rows_of_a == SEPARATE else 1


cdef inline void multiply_add(vec (*acc)[TILE_VECS], Place* at, Py_ssize_t a_step, Py_ssize_t b_step, Py_ssize_t rest,
                              const Py_ssize_t n_rows, const Py_ssize_t n_vecs, const Last last,
                              const RowsOfA rows_of_a, const bint copies) noexcept nogil:
    """acc[i][j] += a_i b_j for one k, and on to the next. An a_i is broadcast once for all b_j, or by each multiply-add
    itself, an instruction fewer for a load more: no gain where it would wait for a_i's line, as among adjoining rows,
    nor with an index in its address. a_i and b are held to the end, lest GCC put a sum in their place and, with several
    k a turn, shuffle the accumulators."""
    cdef Py_ssize_t i, j, period = 3 if rows_of_a == PACKED else ROWS_OF_A_POINTER if rows_of_a == SEPARATE else 1
    cdef vec b[TILE_VECS]
    cdef vec x
    cdef const real* a_i
    for j in range(n_vecs):
        b[j] = load_columns(at.b, j, n_vecs, last != FULL, rest)
        if copies:
            v_store(at.b_panel + j * LANES, b[j])
    for i in range(n_rows):
        if rows_of_a == SEPARATE:
            a_i = at.a[i // ROWS_OF_A_POINTER] + i % ROWS_OF_A_POINTER * a_step
        else:
            a_i = at.a[0] + i
        x = v_set_low(a_i[0]) if last == LOW else v_set(a_i[0])
        for j in range(n_vecs):
            if last == LOW:
                acc[i][j] = v_fma_low(x, b[j], acc[i][j])
            elif (i + 1) % period:
                acc[i][j] = v_fma_at(a_i, b[j], acc[i][j])
            else:
                acc[i][j] = v_fma(x, b[j], acc[i][j])
        v_hold(x)
    for j in range(n_vecs):
        v_hold(b[j])
    for i in range(pointers_to(n_rows, rows_of_a)):
        at.a[i] += 1 if rows_of_a == SEPARATE else TILE_ROWS if rows_of_a == PACKED else a_step
    at.b += b_step
    if copies:
        at.b_panel += TILE_COLUMNS


cdef inline void tiles(Strip* s, Py_ssize_t n_tiles, const Py_ssize_t n_rows, const Py_ssize_t n_vecs,
                       const Last last, const RowsOfA rows_of_a, const bint asks, const bint copies) noexcept nogil:
    """n_tiles tiles of n_rows x n_vecs vectors, one below the other, each held in registers over its block of k.
    The const arguments are constants at every call, so that each call becomes a straight loop of its own."""
    cdef vec acc[TILE_ROWS][TILE_VECS]
    cdef vec bias[TILE_VECS]
    cdef Place at
    cdef bint roomy = N_REGISTERS > 16 or last == FULL and not copies   # none but for accumulators, b and an a_i
    cdef Py_ssize_t i, j, p, q, t, left, count, turn = TILE_TURN if n_rows == TILE_ROWS and roomy else 1
    cdef Py_ssize_t rest = s.rest, a_step = s.a_step, b_step = s.b_step, c_step = s.c_step, k = s.k
    cdef Py_ssize_t rows_asked_for = n_rows * K_BETWEEN // k if k >= PREFETCH_FROM else 0
    cdef real* c = s.c
    cdef real* c_ahead
    cdef const real* below = s.below
    cdef vec a
    cdef vec zero, one          # loaded: constants GCC would keep in registers through all k
    for t in range(n_tiles):
        for i in range(pointers_to(n_rows, rows_of_a)):
            at.a[i] = s.a + t * s.a_next + i * ROWS_OF_A_POINTER * a_step
        at.b, at.b_panel, c_ahead = s.b, s.b_panel, c
        for i in range(n_rows):
            for j in range(n_vecs):
                acc[i][j] = v_set(0)
        if not asks and k >= PREFETCH_FROM:
            for i in range(n_rows):
                for j in range(n_vecs):
                    prefetch_to_write(c + i * c_step + j * LANES)
        left = k
        while left % turn:      # here rather than after the loop, where GCC would spill
            multiply_add(acc, &at, a_step, b_step, rest, n_rows, n_vecs, last, rows_of_a, copies)
            left -= 1
        while left > 0:
            count = min(left, K_BETWEEN) if asks else left
            left -= count
            if asks:
                ask(s.ahead)
                for i in range(rows_asked_for):
                    for j in range(n_vecs):
                        prefetch_to_write(c_ahead + j * LANES)
                    c_ahead += c_step
            for p in range(count // turn):
                multiply_add(acc, &at, a_step, b_step, rest, n_rows, n_vecs, last, rows_of_a, copies)
                for q in range(1, turn):
                    multiply_add(acc, &at, a_step, b_step, rest, n_rows, n_vecs, last, rows_of_a, copies)
        if not s.first:
            for i in range(n_rows):
                for j in range(n_vecs):
                    acc[i][j] = v_add(load_columns(c + i * c_step, j, n_vecs, last != FULL, rest), acc[i][j])
        if s.bias != NULL:
            for j in range(n_vecs):
                bias[j] = load_columns(s.bias, j, n_vecs, last != FULL, rest)
            for i in range(n_rows):
                for j in range(n_vecs):
                    acc[i][j] = v_add(acc[i][j], bias[j])
        if s.rectify:
            zero = v_load_part(c, 0)
            for i in range(n_rows):
                for j in range(n_vecs):
                    acc[i][j] = v_max(zero, acc[i][j])
        if s.slope == RELU_SLOPE:
            zero = v_load_part(c, 0)
            for i in range(n_rows):
                for j in range(n_vecs):
                    a = load_columns(below + i * c_step, j, n_vecs, last != FULL, rest)
                    acc[i][j] = v_if_gt(a, zero, acc[i][j], zero)
        elif s.slope == TANH_SLOPE:
            one = v_set(s.one)
            for i in range(n_rows):
                for j in range(n_vecs):
                    a = load_columns(below + i * c_step, j, n_vecs, last != FULL, rest)
                    acc[i][j] = v_mul(acc[i][j], v_fnma(a, a, one))
        if s.slope != NO_SLOPE:
            below += n_rows * c_step
        for i in range(n_rows):
            for j in range(n_vecs):
                store_columns(c + i * c_step, acc[i][j], j, n_vecs, last != FULL, rest)
        c += n_rows * c_step


cdef inline void go_down(Strip* s, Py_ssize_t n_rows, Py_ssize_t a_reals) noexcept nogil:
    """What is left of the strip begins so many rows below, and so many reals of a."""
    s.a += a_reals
    s.c += n_rows * s.c_step
    if s.slope != NO_SLOPE:
        s.below += n_rows * s.c_step


cdef inline void whole_tiles(Strip* s, Py_ssize_t n_tiles, const Py_ssize_t n_vecs, const Last last,
                             const RowsOfA rows_of_a, const bint asks, const bint copies) noexcept nogil:
    """So many of TILE_ROWS rows."""
    tiles(s, n_tiles, TILE_ROWS, n_vecs, last, rows_of_a, asks, copies)
    go_down(s, n_tiles * TILE_ROWS, n_tiles * s.a_next)
    s.n_tiles -= n_tiles


cdef inline void strip_of_vecs(Strip* s, const Py_ssize_t n_vecs, const Last last,
                               const RowsOfA rows_of_a) noexcept nogil:
    """All rows: tiles of TILE_ROWS, then one or two of the rows left over, each height unrolled for itself."""
    cdef Py_ssize_t rows
    if s.n_tiles:
        whole_tiles(s, s.n_tiles, n_vecs, last, rows_of_a, False, False)
    while s.rows_left > 0:
        rows = min(s.rows_left, s.lower_rows)
        if rows == 1:
            tiles(s, s.n_lower, 1, n_vecs, last, rows_of_a, False, False)
        elif rows == 2:
            tiles(s, s.n_lower, 2, n_vecs, last, rows_of_a, False, False)
        elif rows == 3:
            tiles(s, s.n_lower, 3, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 4 and rows == 4:
            tiles(s, s.n_lower, 4, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 5 and rows == 5:
            tiles(s, s.n_lower, 5, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 6 and rows == 6:
            tiles(s, s.n_lower, 6, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 7 and rows == 7:
            tiles(s, s.n_lower, 7, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 8 and rows == 8:
            tiles(s, s.n_lower, 8, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 9 and rows == 9:
            tiles(s, s.n_lower, 9, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 10 and rows == 10:
            tiles(s, s.n_lower, 10, n_vecs, last, rows_of_a, False, False)
        elif TILE_ROWS > 11 and rows == 11:
            tiles(s, s.n_lower, 11, n_vecs, last, rows_of_a, False, False)
        go_down(s, rows, rows * s.a_step if rows_of_a == SEPARATE else rows)   # in a panel there is no other one
        s.rows_left -= rows


cdef inline void strip(Strip* s, Py_ssize_t n_columns, const RowsOfA rows_of_a) noexcept nogil:
    """n_columns, 1..TILE_COLUMNS: all vectors full, or 1..TILE_VECS of them with a last one in part."""
    cdef Py_ssize_t n_vecs = (n_columns + LANES - 1) // LANES
    s.rest = n_columns - (n_vecs - 1) * LANES
    if n_columns == TILE_COLUMNS:
        strip_of_vecs(s, TILE_VECS, FULL, rows_of_a)
    elif n_columns <= LOW_LANES:
        strip_of_vecs(s, 1, LOW, rows_of_a)
    elif n_vecs == 1:
        strip_of_vecs(s, 1, PART, rows_of_a)
    elif TILE_VECS > 1 and n_vecs == 2:
        strip_of_vecs(s, 2, PART, rows_of_a)
    elif TILE_VECS > 2 and n_vecs == 3:
        strip_of_vecs(s, 3, PART, rows_of_a)
    elif TILE_VECS > 3 and n_vecs == 4:
        strip_of_vecs(s, 4, PART, rows_of_a)


cdef inline void asking_tiles(Strip* s, const RowsOfA rows_of_a) noexcept nogil:
    whole_tiles(s, s.n_tiles, TILE_VECS, FULL, rows_of_a, True, False)


cdef inline void copying_tile(Strip* s, const RowsOfA rows_of_a) noexcept nogil:
    whole_tiles(s, s.n_first, TILE_VECS, FULL, rows_of_a, True, True)


cdef struct Tiles:
    # The tiles for one kind of rows of a. Pointers, lest GCC put them all into one function and run out of registers.
    void (*strip)(Strip* s, Py_ssize_t n_columns) noexcept nogil
    void (*asking)(Strip* s) noexcept nogil     # the whole tiles of whole vectors, which ask for lines meanwhile
    void (*copying)(Strip* s) noexcept nogil    # the first of them, which copies b as well


cdef void strip_of_separate_rows(Strip* s, Py_ssize_t n_columns) noexcept nogil:
    strip(s, n_columns, SEPARATE)


cdef void asking_tiles_of_separate_rows(Strip* s) noexcept nogil:
    asking_tiles(s, SEPARATE)


cdef void copying_tile_of_separate_rows(Strip* s) noexcept nogil:
    copying_tile(s, SEPARATE)


cdef void strip_of_adjoining_rows(Strip* s, Py_ssize_t n_columns) noexcept nogil:
    strip(s, n_columns, ADJOINING)


cdef void asking_tiles_of_adjoining_rows(Strip* s) noexcept nogil:
    asking_tiles(s, ADJOINING)


cdef void copying_tile_of_adjoining_rows(Strip* s) noexcept nogil:
    copying_tile(s, ADJOINING)


cdef void strip_of_packed_rows(Strip* s, Py_ssize_t n_columns) noexcept nogil:
    strip(s, n_columns, PACKED)


cdef void asking_tiles_of_packed_rows(Strip* s) noexcept nogil:
    asking_tiles(s, PACKED)


cdef void copying_tile_of_packed_rows(Strip* s) noexcept nogil:
    copying_tile(s, PACKED)


cdef Tiles[3] TILES = [     # by RowsOfA
    Tiles(strip_of_separate_rows, asking_tiles_of_separate_rows, copying_tile_of_separate_rows),
    Tiles(strip_of_adjoining_rows, asking_tiles_of_adjoining_rows, copying_tile_of_adjoining_rows),
    Tiles(strip_of_packed_rows, asking_tiles_of_packed_rows, copying_tile_of_packed_rows),
]
