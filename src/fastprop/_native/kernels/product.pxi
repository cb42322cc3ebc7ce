# The matrix product c = a b (+ bias), on which the dense layer's three products stand:
#
#   forward    z  = x W + b       a = x,       b = W
#   backward   da = delta Wᵀ      a = delta,   b = Wᵀ: W read with its strides exchanged
#   gradient   dW = xᵀ delta      a = xᵀ,      b = delta
#
# Each element is a sum of blocks of BLOCK consecutive k; a block is one chain of fused multiply-adds in
# ascending k from +0, and blocks are added in order, then the bias (docs/numerics.md). Lanes run over columns, or
# over rows where columns are few, and never over k, so tile size, packing and vector width cannot change a bit.
#
# Small products read a and b where they lie. Larger ones copy them into panels first, after K. Goto & R. A.
# van de Geijn (2008), "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 12: a panel of a is
# BLOCK x TILE_ROWS and serves every strip of columns; the one panel of b, BLOCK x TILE_COLUMNS, is packed for each
# strip just before all rows use it, or by their first tile.

from fastprop._native.kernels.table cimport Finish, plain

cdef enum:
    BLOCK = 256             # k per chain: the numerics contract's, not a tuning knob
    ROWS_AT_ONCE = 264      # of a, packed: 264 KB of floats, for the second-level cache; a multiple of TILE_ROWS
    VECS_OF_ROW = 8         # of c at once where it has one row: so many chains hide a multiply-add's latency
    BYTES_ASKED_FOR = 524288        # b's: a smaller one is in the second-level cache as it is
    BYTES_LEFT_IN_PLACE = 32768     # a smaller b stays in the first-level cache and is not worth copying
    BYTES_READ_IN_PLACE = 262144    # a smaller one may come from the second-level cache for some tiles of rows
    TILES_OF_A_COPY = 6             # which make up for copying it
    BYTES_OF_A_COPY = 1024          # a longer row of c makes up for copying a whose rows lie apart,
    STRIPS_OF_A_COPY = 8            # and so many strips one whose rows adjoin
    K_OF_A_TURN = 64        # make up for turning c back


cdef inline void pack_lying(real* panel, const Py_ssize_t width, const real* x, const Py_ssize_t n, Py_ssize_t k,
                            Py_ssize_t step) noexcept nogil:
    """panel[p width + q] = x[p step + q] for q < n, p < k."""
    cdef Py_ssize_t p, q
    for p in range(k):
        q = 0
        while q < n:
            v_store_upto(panel + q, v_load_upto(x + q, n - q), n - q)
            q += LANES
        panel += width
        x += step


cdef inline void turn(real* c, const Py_ssize_t c_step, const real* x, const Py_ssize_t n, Py_ssize_t step,
                      const Py_ssize_t k) noexcept nogil:
    """c[p c_step + q] = x[q step + p] for q < n, p < k, both LANES at most, in registers."""
    cdef vec lines[LANES]
    cdef Py_ssize_t i
    for i in range(LANES):
        lines[i] = v_load_upto(x, k)
        if i < n - 1:
            x += step
    v_transpose(lines)
    for i in range(LANES):
        if i < k:
            v_store_upto(c + i * c_step, lines[i], n)


cdef inline void turn_lines(real* panel, const Py_ssize_t width, const real* x, const Py_ssize_t n, Py_ssize_t k,
                            Py_ssize_t step) noexcept nogil:
    """panel[p width + q] = x[q step + p] for q < n, LANES at most, p < k."""
    while k >= LANES:
        turn(panel, width, x, n, step, LANES)
        panel += LANES * width
        x += LANES
        k -= LANES
    if k > 0:
        turn(panel, width, x, n, step, k)


cdef inline void pack_standing(real* panel, const Py_ssize_t width, const real* x, Py_ssize_t n, Py_ssize_t k,
                               Py_ssize_t step) noexcept nogil:
    """panel[p width + q] = x[q step + p] for q < n, p < k: a few lines along all of their k, then the next few."""
    while n >= LANES:
        turn_lines(panel, width, x, LANES, k, step)
        panel += LANES
        x += LANES * step
        n -= LANES
    if n > 0:
        turn_lines(panel, width, x, n, k, step)


cdef inline void pack(real* panels, const Py_ssize_t width, const real* x, Py_ssize_t n, Py_ssize_t k,
                      Py_ssize_t x_line, Py_ssize_t x_k) noexcept nogil:
    """n lines of x, its rows or its columns, into panels of `width` lines, each laid out k after k."""
    while n > 0:
        if x_line == 1 and n >= width:
            pack_lying(panels, width, x, width, k, x_k)
        elif x_line == 1:
            pack_lying(panels, width, x, n, k, x_k)
        elif n >= width:
            pack_standing(panels, width, x, width, k, x_line)
        else:
            pack_standing(panels, width, x, n, k, x_line)
        panels += width * k
        x += width * x_line
        n -= width


cdef void pack_rows(real* panels, const real* a, Py_ssize_t m, Py_ssize_t k, Py_ssize_t a_row,
                    Py_ssize_t a_k) noexcept nogil:
    pack(panels, TILE_ROWS, a, m, k, a_row, a_k)


cdef void pack_columns(real* panels, const real* b, Py_ssize_t n, Py_ssize_t k, Py_ssize_t b_k,
                       Py_ssize_t b_column) noexcept nogil:
    pack(panels, TILE_COLUMNS, b, n, k, b_column, b_k)


cdef void fill_rows(real* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, const Finish* finish) noexcept nogil:
    """A product of no terms, finished: every row of c (m, n) is the bias, or 0."""
    cdef const real* bias = <const real*> finish.bias
    cdef Py_ssize_t i, j
    for i in range(m):
        for j in range(n):
            c[i * c_row + j] = bias[j] if bias != NULL else 0
            if finish.rectify and 0 > c[i * c_row + j]:
                c[i * c_row + j] = 0
    multiply_by_slope(c, c_row, m, n, finish.slope, <const real*> finish.below)


cdef void multiply_by_slope(real* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Slope slope,
                            const real* below) noexcept nogil:
    """c (m, n) times the slope of the activation below, whose a is laid out alike."""
    cdef Py_ssize_t i
    if slope == NO_SLOPE:
        return
    if c_row == n:
        m, n = 1, m * n
    for i in range(m):
        if slope == RELU_SLOPE:
            map_backward(v_relu_backward, below + i * c_row, c + i * c_row, n)
        elif slope == TANH_SLOPE:
            map_backward(v_tanh_backward, below + i * c_row, c + i * c_row, n)


cdef inline void finish_turned(real* c, Py_ssize_t m, Py_ssize_t n, const Finish* finish) noexcept nogil:
    """The bias, a number for each of n rows of m, and relu."""
    cdef Py_ssize_t i, j
    cdef vec x
    if finish.bias == NULL and not finish.rectify:
        return
    for j in range(n):
        i = 0
        while i < m:
            x = v_load_upto(c + i, m - i)
            if finish.bias != NULL:
                x = v_add(x, v_set((<const real*> finish.bias)[j]))
            if finish.rectify:
                x = v_relu(x)
            v_store_upto(c + i, x, m - i)
            i += LANES
        c += m


cdef inline bint worth_packing(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t n_bytes = n * k * <Py_ssize_t>sizeof(real)
    return n_bytes > BYTES_LEFT_IN_PLACE and m >= TILE_ROWS * (2 if n_bytes > BYTES_READ_IN_PLACE else TILES_OF_A_COPY)


cdef inline bint worth_packing_rows(Py_ssize_t n, Py_ssize_t k, Py_ssize_t a_row, Py_ssize_t a_k) noexcept nogil:
    """Whether a copy of a pays as well, which serves every strip. Rows that lie apart are read along; those that adjoin
    are read across, another line and often another page for each k, which many of them make slow."""
    cdef Py_ssize_t size = sizeof(real)
    if a_row != 1:
        return n * size > BYTES_OF_A_COPY
    return n > TILE_COLUMNS * (STRIPS_OF_A_COPY if k * a_k * size <= BYTES_READ_IN_PLACE else STRIPS_OF_A_COPY // 2)


cdef inline Py_ssize_t columns_to_turn(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k, Py_ssize_t a_row,
                                       Py_ssize_t a_k) noexcept nogil:
    """Of how many columns, the last ones, lanes are better filled by the rows of c. Where a's rows adjoin, aᵀ need not
    be copied for it: a tile's height of columns will do, or that and another tile of three rows or more; and columns
    that fill half a vector or less may go alone, if a is not copied for the others."""
    if a_row != 1 or m < TILE_COLUMNS or k < K_OF_A_TURN:
        return n if n <= NARROW and m >= LANES else 0
    if n <= TILE_ROWS or TILE_ROWS + 2 < n <= MOST_TURNED:
        return n
    return n % LANES if n % LANES <= NARROW and not worth_packing_rows(n, k, a_row, a_k) else 0


cdef inline Py_ssize_t in_parts(Py_ssize_t count, Py_ssize_t most, Py_ssize_t unit) noexcept nogil:
    """The size of the parts, of whole units, when `count` is divided evenly into as few as have `most` or less."""
    cdef Py_ssize_t n_parts, n_units
    if count <= most:
        return count
    n_parts = (count + most - 1) // most
    n_units = (count + unit - 1) // unit
    return (n_units + n_parts - 1) // n_parts * unit


cdef Py_ssize_t product_work(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    """Reals of working memory, for packed panels of a and b, that suffice for `product` of these sizes or less."""
    m = min((m + TILE_ROWS - 1) // TILE_ROWS * TILE_ROWS, ROWS_AT_ONCE)
    return (m + TILE_COLUMNS) * min(k, BLOCK)


cdef struct Operands:
    # A product's operands as they lie, and the panels that parts of them are copied to.
    real* c                 # (m, n)
    Py_ssize_t c_row
    Py_ssize_t n
    Py_ssize_t k
    const real* a
    Py_ssize_t a_row
    Py_ssize_t a_k
    const real* b
    Py_ssize_t b_k
    Py_ssize_t b_column
    const Finish* finish
    real* a_panels          # NULL where a is read in place
    real* b_panel           # NULL where b is read in place
    RowsOfA rows_of_a
    Ahead* ahead            # lines that the tiles ask for; NULL for none


cdef inline bint asks_for_b(const Operands* o) noexcept nogil:
    """Whether b is large enough for its lines to be asked for before they are copied."""
    return o.b_panel != NULL and o.n * o.k * <Py_ssize_t>sizeof(real) >= BYTES_ASKED_FOR


cdef inline Py_ssize_t n_whole_tiles(const Operands* o, Py_ssize_t rows) noexcept nogil:
    """How many tiles of TILE_ROWS these rows have. Where the rows below would be too few to keep the processor busy,
    the last tile shares with them; but not in panels, of which a lower tile would be no whole one, nor where tiles ask
    for b."""
    cdef Py_ssize_t count = rows // TILE_ROWS, left = rows % TILE_ROWS
    cdef bint shares = 0 < left * TILE_VECS < CHAINS and o.rows_of_a != PACKED and not asks_for_b(o)
    return count - 1 if count > 0 and shares else count


cdef inline Ahead next_panel(const Operands* o, Py_ssize_t at_k, Py_ssize_t k, Py_ssize_t j,
                             Py_ssize_t n_turns) noexcept nogil:
    """What the panel after column j's of this block of k is packed from, to be asked for in so many turns."""
    cdef Py_ssize_t size = sizeof(real), columns
    cdef const char* b
    j += TILE_COLUMNS
    if j >= o.n:
        j, at_k, k = 0, at_k + k, min(o.k - at_k - k, BLOCK)
    columns = min(o.n - j, TILE_COLUMNS)
    b = <const char*> (o.b + at_k * o.b_k + j * o.b_column)
    if o.b_column == 1:
        return lines_ahead(b, o.b_k * size, columns * size, NULL, k, n_turns)
    return lines_ahead(b, o.b_column * size, k * size, NULL, columns, n_turns)


cdef inline Py_ssize_t row_product(const Operands* o, Py_ssize_t row, Py_ssize_t at_k, Py_ssize_t k, Py_ssize_t j,
                                   const Py_ssize_t n_vecs) noexcept nogil:
    """One row of c over one block of k, from column j on n_vecs vectors at a time, a constant, as far as they are full;
    returns the first column left."""
    cdef vec acc[VECS_OF_ROW]
    cdef vec x, zero = v_set(0)
    cdef Py_ssize_t i, p
    cdef bint last = at_k + k == o.k
    cdef const real* a = o.a + row * o.a_row + at_k * o.a_k
    cdef const real* b
    cdef real* c = o.c + row * o.c_row
    cdef const real* bias = <const real*> o.finish.bias
    cdef Slope slope = o.finish.slope if last else NO_SLOPE
    cdef const real* below = <const real*> o.finish.below + row * o.c_row if slope != NO_SLOPE else NULL
    while j + n_vecs * LANES <= o.n:
        b = o.b + at_k * o.b_k + j
        for i in range(n_vecs):
            acc[i] = v_set(0)
        for p in range(k):
            x = v_set(a[p * o.a_k])
            for i in range(n_vecs):
                acc[i] = v_fma(x, v_load(b + i * LANES), acc[i])
            b += o.b_k
        if at_k > 0:
            for i in range(n_vecs):
                acc[i] = v_add(v_load(c + j + i * LANES), acc[i])
        if last and bias != NULL:
            for i in range(n_vecs):
                acc[i] = v_add(acc[i], v_load(bias + j + i * LANES))
        if last and o.finish.rectify:
            for i in range(n_vecs):
                acc[i] = v_max(zero, acc[i])
        if slope == RELU_SLOPE:
            for i in range(n_vecs):
                acc[i] = v_relu_backward(v_load(below + j + i * LANES), acc[i])
        elif slope == TANH_SLOPE:
            for i in range(n_vecs):
                acc[i] = v_tanh_backward(v_load(below + j + i * LANES), acc[i])
        for i in range(n_vecs):
            v_store(c + j + i * LANES, acc[i])
        j += n_vecs * LANES
    return j


cdef inline void begin_strips(Strip* s, const Operands* o, Py_ssize_t at_k, Py_ssize_t k) noexcept nogil:
    """What all strips of some rows and a block of k share, but for their b."""
    s.k = k
    s.one = 1
    s.first = at_k == 0
    s.c_step = o.c_row
    s.n_lower = 1
    s.b_panel = o.b_panel
    if o.a_panels != NULL:
        s.a_step = TILE_ROWS
        s.a_next = TILE_ROWS * k
    else:
        s.a_step = o.a_k if o.rows_of_a == ADJOINING else o.a_row
        s.a_next = TILE_ROWS * o.a_row


cdef inline void begin_strip(Strip* s, const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k,
                             Py_ssize_t j) noexcept nogil:
    """The strip from column j on, but for its b."""
    s.n_tiles = n_whole_tiles(o, rows)
    s.rows_left = rows - s.n_tiles * TILE_ROWS
    s.lower_rows = s.rows_left if s.rows_left < TILE_ROWS else (s.rows_left + 1) // 2
    s.a = <const real*> o.a_panels if o.a_panels != NULL else o.a + row * o.a_row + at_k * o.a_k
    s.c = o.c + row * o.c_row + j
    s.bias, s.rectify, s.slope, s.below = NULL, False, NO_SLOPE, NULL
    if at_k + s.k < o.k:
        return
    s.rectify = o.finish.rectify
    if o.finish.bias != NULL:
        s.bias = <const real*> o.finish.bias + j
    if o.finish.slope != NO_SLOPE:
        s.slope, s.below = o.finish.slope, <const real*> o.finish.below + row * o.c_row + j


cdef void block_in_place(const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k,
                         Py_ssize_t k) noexcept nogil:
    """Some rows of c over one block of k, strip by strip, with a and b as they lie and nothing to ask for."""
    cdef Py_ssize_t j = 0, columns
    cdef Strip s
    if rows == 1:
        j = row_product(o, row, at_k, k, 0, VECS_OF_ROW)
        j = row_product(o, row, at_k, k, j, VECS_OF_ROW // 2)
    begin_strips(&s, o, at_k, k)
    s.b_step = o.b_k
    while j < o.n:
        columns = min(o.n - j, TILE_COLUMNS)
        begin_strip(&s, o, row, rows, at_k, j)
        s.b = o.b + at_k * o.b_k + j
        if o.rows_of_a == ADJOINING:
            strip_of_adjoining_rows(&s, columns)
        else:
            strip_of_separate_rows(&s, columns)
        j += TILE_COLUMNS


cdef void block(const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k, Py_ssize_t k) noexcept nogil:
    """The same with a copied, and b for each strip, if there are panels for them: b by the strip's first tile on its
    way, where it can be. A large b's lines are asked for one strip ahead, in place of the caller's."""
    cdef Py_ssize_t j = 0, columns
    cdef Py_ssize_t n_tiles = n_whole_tiles(o, rows), n_turns = n_tiles * ((k + K_BETWEEN - 1) // K_BETWEEN)
    cdef bint b_ahead = n_turns > 0 and asks_for_b(o)
    cdef bint tile_copies = o.b_panel != NULL and o.b_column == 1 and n_tiles > 0
    cdef const Tiles* tiles_of_a = &TILES[<Py_ssize_t> o.rows_of_a]
    cdef Strip s
    cdef Ahead panel
    panel.n_left = 0
    begin_strips(&s, o, at_k, k)
    s.n_first = tile_copies
    s.ahead = &panel if b_ahead or o.ahead == NULL else o.ahead
    if o.a_panels != NULL:
        pack_rows(o.a_panels, o.a + row * o.a_row + at_k * o.a_k, rows, k, o.a_row, o.a_k)
    while j < o.n:
        columns = min(o.n - j, TILE_COLUMNS)
        begin_strip(&s, o, row, rows, at_k, j)
        s.b, s.b_step = o.b + at_k * o.b_k + j * o.b_column, o.b_k
        if b_ahead:
            panel = next_panel(o, at_k, k, j, n_turns)
        if o.b_panel != NULL:
            if tile_copies and columns == TILE_COLUMNS:
                tiles_of_a.copying(&s)
            else:
                pack_columns(o.b_panel, s.b, columns, k, o.b_k, o.b_column)
            s.b, s.b_step = o.b_panel, TILE_COLUMNS
        if s.ahead.n_left > 0 and columns == TILE_COLUMNS:
            tiles_of_a.asking(&s)
        tiles_of_a.strip(&s, columns)
        j += TILE_COLUMNS


cdef inline Finish finish_from(const Finish* finish, Py_ssize_t column) noexcept nogil:
    """Of the columns from that one on."""
    cdef Finish rest = finish[0]
    if finish.bias != NULL:
        rest.bias = <const real*> finish.bias + column
    if finish.slope != NO_SLOPE:
        rest.below = <const real*> finish.below + column
    return rest


cdef void product(
    void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const Finish* finish, void* work, Ahead* ahead,
) noexcept nogil:
    """c (m, n) = a (m, k) b (k, n), finished; a and b by strides, one of a's being 1. Meanwhile the tiles ask for lines
    ahead, NULL for none."""
    cdef Py_ssize_t n_turned = columns_to_turn(m, n, k, a_row, a_k), n_wide = n - n_turned
    cdef Finish of_turned
    if n_wide == 0:
        narrow_product(c, c_row, m, n, k, a, a_row, a_k, b, b_k, b_column, finish, work, ahead)
        return
    wide_product(c, c_row, m, n_wide, k, a, a_row, a_k, b, b_k, b_column, finish, work, ahead)
    if n_turned > 0:
        of_turned = finish_from(finish, n_wide)
        narrow_product(
            <real*> c + n_wide, c_row, m, n_turned, k, a, a_row, a_k, <const real*> b + n_wide * b_column, b_k,
            b_column, &of_turned, work, ahead)


cdef void narrow_product(
    void* c_, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const Finish* finish, void* work, Ahead* ahead,
) noexcept nogil:
    """The same for few columns, which would leave lanes empty; cᵀ = bᵀ aᵀ fills them, TILE_COLUMNS rows of a at a
    time."""
    cdef real turned[MOST_TURNED * TILE_COLUMNS]
    cdef real* c = <real*> c_
    cdef const real* below = <const real*> finish.below
    cdef Finish as_it_is = plain()
    cdef Py_ssize_t row = 0, rows
    if n == 1 and c_row == 1 and finish.bias == NULL:   # a column that lies as the row would
        wide_product(c, m, 1, m, k, b, 1, b_k, a, a_k, a_row, finish, work, ahead)
        return
    while row < m:
        rows = min(m - row, TILE_COLUMNS)
        wide_product(
            turned, rows, n, rows, k, b, b_column, b_k, <const real*> a + row * a_row, a_k, a_row, &as_it_is, work,
            ahead)
        finish_turned(turned, rows, n, finish)
        pack_standing(c, c_row, turned, n, rows, rows)
        multiply_by_slope(c, c_row, rows, n, finish.slope, below)
        c += rows * c_row
        if finish.slope != NO_SLOPE:
            below += rows * c_row
        row += rows


# Some rows of c over one block of k.
ctypedef void (*Block)(const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k, Py_ssize_t k) noexcept nogil


cdef inline void wide_product(
    void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const Finish* finish, void* work, Ahead* ahead,
) noexcept nogil:
    """The same with lanes over columns: some rows after the other, and of these one block of k after the other."""
    cdef Py_ssize_t at_k, row = 0, k_block, rows
    cdef Py_ssize_t rows_at_once = in_parts(m, ROWS_AT_ONCE, TILE_ROWS)
    cdef bint packing = worth_packing(m, n, k), asks = ahead != NULL and ahead.n_left > 0
    cdef Block one_block = block_in_place       # a pointer, lest it become part of this function (docs/performance.md)
    cdef Operands o = Operands(
        c=<real*> c, c_row=c_row, n=n, k=k, a=<const real*> a, a_row=a_row, a_k=a_k, b=<const real*> b, b_k=b_k,
        b_column=b_column, finish=finish, a_panels=NULL, b_panel=NULL,
        rows_of_a=ADJOINING if a_row == 1 else SEPARATE, ahead=ahead,
    )
    if packing or b_column != 1:
        o.b_panel = <real*> work
    if packing and worth_packing_rows(n, k, a_row, a_k):
        o.a_panels = <real*> work + TILE_COLUMNS * min(k, BLOCK)
        o.rows_of_a = PACKED
    if asks or o.b_panel != NULL:
        one_block = block
    if k == 0:
        fill_rows(o.c, c_row, m, n, finish)
    while row < m:
        rows = min(m - row, rows_at_once)
        at_k = 0
        while at_k < k:
            k_block = min(k - at_k, BLOCK)
            one_block(&o, row, rows, at_k, k_block)
            at_k += BLOCK
        row += rows_at_once
