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
# strip just before all rows use it.

cdef enum:
    BLOCK = 256             # k per chain: the numerics contract's, not a tuning knob
    ROWS_AT_ONCE = 264      # of a, packed: 264 KB of floats, for the second-level cache; a multiple of TILE_ROWS
    PREFETCH_FROM = 64      # k: a shorter chain is over before c's lines have come
    VECS_OF_ROW = 8         # of c at once where it has one row: so many chains hide a multiply-add's latency
    ROWS_OF_A_POINTER = 4   # in a tile: their multiples of a_step, 0 to 3, take two registers
    K_BETWEEN = 16          # k of a tile from one asking for lines ahead to the next
    LINE = 64               # bytes in a line of the caches
    K_TOGETHER = 16         # k packed of every panel before the next: a few rows of x read along, a few lines written
    BYTES_LEFT_IN_PLACE = 32768     # a smaller b stays in the first-level cache and is not worth copying
    BYTES_READ_IN_PLACE = 262144    # a smaller one is in the second-level cache, good enough for some tiles of rows
    TILES_OF_A_COPY = 6             # which make up for copying it


cdef struct Ahead:
    # The lines that the next strip's panel will be packed from, asked for a few at a time while tiles are at work: all at
    # once they would fill the queue of what is on its way from memory, and loads would wait.
    const char* row
    Py_ssize_t to_next_row  # in bytes
    Py_ssize_t n_lines      # of a row
    Py_ssize_t line         # the next one
    Py_ssize_t n_left       # in all rows
    Py_ssize_t at_once


cdef struct Strip:
    # The operands of one column of tiles: c (rows x columns), TILE_COLUMNS wide at most, over one block of k.
    Py_ssize_t k
    const real* a           # element (i, p) at a[i + p a_step] where a tile's rows adjoin, else a[i a_step + p]
    Py_ssize_t a_step
    Py_ssize_t a_next       # from one tile's first element to the next one's
    const real* b           # row p at b + p b_step
    Py_ssize_t b_step
    real* c                 # row i at c + i c_step
    Py_ssize_t c_step
    Py_ssize_t rest         # columns in the last vector, where it is not full
    bint first              # the first block of k starts c, the later ones are added to it
    const real* bias        # added with the last block; NULL otherwise
    Py_ssize_t n_tiles      # of TILE_ROWS rows
    Py_ssize_t n_lower      # of `rows_left` rows: 1 or 0. A field and not a constant, because GCC keeps accumulators
    Py_ssize_t rows_left    # in registers only where the loop over tiles remains a loop
    Ahead ahead


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


cdef inline void ask(Ahead* ahead) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(min(ahead.at_once, ahead.n_left)):
        prefetch_for_later(ahead.row + ahead.line * LINE)
        ahead.line += 1
        if ahead.line == ahead.n_lines:
            ahead.line = 0
            ahead.row += ahead.to_next_row
    ahead.n_left -= ahead.at_once


cdef inline void tiles(Strip* s, Py_ssize_t n_tiles, const Py_ssize_t n_rows, const Py_ssize_t n_vecs,
                       const bint part, const bint rows_adjoin, const bint asks) noexcept nogil:
    """n_tiles tiles of n_rows x n_vecs vectors, one below the other, each held in registers over its block of k.
    The const arguments are constants at every call, so that each call becomes a straight loop of its own; `part`
    says that the last vector is not full."""
    cdef vec acc[TILE_ROWS][TILE_VECS]
    cdef vec b_row[TILE_VECS]
    cdef vec x
    cdef Py_ssize_t i, j, p, t, left, rest = s.rest, a_step = s.a_step, b_step = s.b_step, c_step = s.c_step, k = s.k
    cdef Py_ssize_t n_pointers = 1 if rows_adjoin else (n_rows + ROWS_OF_A_POINTER - 1) // ROWS_OF_A_POINTER
    cdef const real* a[TILE_ROWS]
    cdef const real* b
    cdef real* c = s.c
    for t in range(n_tiles):
        for i in range(n_pointers):
            a[i] = s.a + t * s.a_next + i * ROWS_OF_A_POINTER * a_step
        b = s.b
        for i in range(n_rows):
            for j in range(n_vecs):
                acc[i][j] = v_set(0)
        if k >= PREFETCH_FROM:
            for i in range(n_rows):
                for j in range(n_vecs):
                    prefetch_to_write(c + i * c_step + j * LANES)
        left = k
        while left > 0:
            if asks:
                ask(&s.ahead)
            for p in range(min(left, K_BETWEEN) if asks else k):
                for j in range(n_vecs):
                    b_row[j] = load_columns(b, j, n_vecs, part, rest)
                for i in range(n_rows):
                    x = v_set(a[0][i] if rows_adjoin else a[i // ROWS_OF_A_POINTER][i % ROWS_OF_A_POINTER * a_step])
                    for j in range(n_vecs):
                        acc[i][j] = v_fma(x, b_row[j], acc[i][j])
                for i in range(n_pointers):
                    a[i] += a_step if rows_adjoin else 1
                b += b_step
            left -= K_BETWEEN if asks else k
        if not s.first:
            for i in range(n_rows):
                for j in range(n_vecs):
                    acc[i][j] = v_add(load_columns(c + i * c_step, j, n_vecs, part, rest), acc[i][j])
        if s.bias != NULL:
            for j in range(n_vecs):
                b_row[j] = load_columns(s.bias, j, n_vecs, part, rest)
            for i in range(n_rows):
                for j in range(n_vecs):
                    acc[i][j] = v_add(acc[i][j], b_row[j])
        for i in range(n_rows):
            for j in range(n_vecs):
                store_columns(c + i * c_step, acc[i][j], j, n_vecs, part, rest)
        c += n_rows * c_step


cdef inline void strip_of_vecs(Strip* s, const Py_ssize_t n_vecs, const bint part,
                               const bint rows_adjoin) noexcept nogil:
    """All rows: tiles of TILE_ROWS, then one of the rows left over, each height unrolled for itself."""
    cdef Py_ssize_t left = s.rows_left
    if s.n_tiles:
        tiles(s, s.n_tiles, TILE_ROWS, n_vecs, part, rows_adjoin, False)
        s.a += s.n_tiles * s.a_next
        s.c += s.n_tiles * TILE_ROWS * s.c_step
    if left == 1:
        tiles(s, s.n_lower, 1, n_vecs, part, rows_adjoin, False)
    elif left == 2:
        tiles(s, s.n_lower, 2, n_vecs, part, rows_adjoin, False)
    elif left == 3:
        tiles(s, s.n_lower, 3, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 4 and left == 4:
        tiles(s, s.n_lower, 4, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 5 and left == 5:
        tiles(s, s.n_lower, 5, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 6 and left == 6:
        tiles(s, s.n_lower, 6, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 7 and left == 7:
        tiles(s, s.n_lower, 7, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 8 and left == 8:
        tiles(s, s.n_lower, 8, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 9 and left == 9:
        tiles(s, s.n_lower, 9, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 10 and left == 10:
        tiles(s, s.n_lower, 10, n_vecs, part, rows_adjoin, False)
    elif TILE_ROWS > 11 and left == 11:
        tiles(s, s.n_lower, 11, n_vecs, part, rows_adjoin, False)


cdef inline void strip(Strip* s, Py_ssize_t n_columns, const bint rows_adjoin) noexcept nogil:
    """n_columns, 1..TILE_COLUMNS: all vectors full, or 1..TILE_VECS of them with a last one in part."""
    cdef Py_ssize_t n_vecs = (n_columns + LANES - 1) // LANES
    s.rest = n_columns - (n_vecs - 1) * LANES
    if n_columns == TILE_COLUMNS:
        strip_of_vecs(s, TILE_VECS, False, rows_adjoin)
    elif n_vecs == 1:
        strip_of_vecs(s, 1, True, rows_adjoin)
    elif TILE_VECS > 1 and n_vecs == 2:
        strip_of_vecs(s, 2, True, rows_adjoin)
    elif TILE_VECS > 2 and n_vecs == 3:
        strip_of_vecs(s, 3, True, rows_adjoin)
    elif TILE_VECS > 3 and n_vecs == 4:
        strip_of_vecs(s, 4, True, rows_adjoin)


cdef inline void ask_in_tiles(Strip* s, const bint rows_adjoin) noexcept nogil:
    """The whole tiles of a strip of whole vectors, which meanwhile ask for what is ahead."""
    tiles(s, s.n_tiles, TILE_ROWS, TILE_VECS, False, rows_adjoin, True)
    s.a += s.n_tiles * s.a_next
    s.c += s.n_tiles * TILE_ROWS * s.c_step
    s.n_tiles = 0


cdef void asking_tiles_of_adjoining_rows(Strip* s) noexcept nogil:
    ask_in_tiles(s, True)


cdef void asking_tiles_of_separate_rows(Strip* s) noexcept nogil:
    ask_in_tiles(s, False)


cdef void strip_of_adjoining_rows(Strip* s, Py_ssize_t n_columns) noexcept nogil:
    strip(s, n_columns, True)


cdef void strip_of_separate_rows(Strip* s, Py_ssize_t n_columns) noexcept nogil:
    strip(s, n_columns, False)


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


cdef inline void pack_standing(real* panel, const Py_ssize_t width, const real* x, const Py_ssize_t n, const Py_ssize_t k,
                               Py_ssize_t step) noexcept nogil:
    """panel[p width + q] = x[q step + p] for q < n, p < k: LANES x LANES at a time, turned in registers."""
    cdef vec lines[LANES]
    cdef Py_ssize_t p = 0, q, i, rows, lanes
    while p < k:
        rows = min(k - p, LANES)
        q = 0
        while q < n:
            lanes = min(n - q, LANES)
            for i in range(LANES):
                lines[i] = v_load_upto(x + (q + i) * step + p, rows) if i < lanes else v_set(0)
            v_transpose(lines)
            for i in range(LANES):
                if i < rows:
                    v_store_upto(panel + (p + i) * width + q, lines[i], lanes)
            q += LANES
        p += LANES


cdef inline void pack(real* panels, const Py_ssize_t width, const real* x, Py_ssize_t n, Py_ssize_t k,
                      Py_ssize_t x_line, Py_ssize_t x_k) noexcept nogil:
    """n lines of x, its rows or its columns, into panels of `width` lines, each laid out k after k. A few k of all
    panels come before the next few, so that x is read along its own rows."""
    cdef Py_ssize_t first, p = 0, count
    cdef real* panel
    while p < k:
        count = min(k - p, K_TOGETHER)
        first = 0
        while first < n:
            panel = panels + first * k + p * width
            if x_line == 1 and n - first >= width:
                pack_lying(panel, width, x + p * x_k + first, width, count, x_k)
            elif x_line == 1:
                pack_lying(panel, width, x + p * x_k + first, n - first, count, x_k)
            elif n - first >= width and count == K_TOGETHER:
                pack_standing(panel, width, x + p + first * x_line, width, K_TOGETHER, x_line)
            else:
                pack_standing(panel, width, x + p + first * x_line, min(n - first, width), count, x_line)
            first += width
        p += K_TOGETHER


cdef void pack_rows(real* panels, const real* a, Py_ssize_t m, Py_ssize_t k, Py_ssize_t a_row,
                    Py_ssize_t a_k) noexcept nogil:
    pack(panels, TILE_ROWS, a, m, k, a_row, a_k)


cdef void pack_columns(real* panels, const real* b, Py_ssize_t n, Py_ssize_t k, Py_ssize_t b_k,
                       Py_ssize_t b_column) noexcept nogil:
    pack(panels, TILE_COLUMNS, b, n, k, b_column, b_k)


cdef void fill_rows(real* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, const real* bias) noexcept nogil:
    """Every row of c (m, n) = bias, or 0: a product of no terms."""
    cdef Py_ssize_t i, j
    for i in range(m):
        for j in range(n):
            c[i * c_row + j] = bias[j] if bias != NULL else 0


cdef inline bint worth_packing(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) noexcept nogil:
    cdef Py_ssize_t n_bytes = n * k * <Py_ssize_t>sizeof(real)
    return n_bytes > BYTES_LEFT_IN_PLACE and m >= TILE_ROWS * (2 if n_bytes > BYTES_READ_IN_PLACE else TILES_OF_A_COPY)


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
    const real* bias
    real* a_panels          # NULL where a is read in place
    real* b_panel           # NULL where b is read in place
    bint rows_adjoin        # the rows of a, or of its panels


cdef inline void look_ahead(const Operands* o, Py_ssize_t at_k, Py_ssize_t k, Py_ssize_t j, Py_ssize_t n_turns,
                           Ahead* ahead) noexcept nogil:
    """To what the panel after column j's of this block of k is packed from, to be asked for in so many turns."""
    cdef Py_ssize_t size = sizeof(real), columns
    j += TILE_COLUMNS
    if j >= o.n:
        j, at_k, k = 0, at_k + k, min(o.k - at_k - k, BLOCK)
    columns = min(o.n - j, TILE_COLUMNS)
    ahead.row = <const char*> (o.b + at_k * o.b_k + j * o.b_column)
    ahead.line = 0
    if o.b_column == 1:
        ahead.to_next_row, ahead.n_lines, ahead.n_left = o.b_k * size, (columns * size + LINE - 1) // LINE, k
    else:
        ahead.to_next_row, ahead.n_lines, ahead.n_left = o.b_column * size, (k * size + LINE - 1) // LINE, columns
    ahead.n_left *= ahead.n_lines
    ahead.at_once = (ahead.n_left + n_turns - 1) // n_turns


cdef inline Py_ssize_t row_product(const Operands* o, Py_ssize_t row, Py_ssize_t at_k, Py_ssize_t k, Py_ssize_t j,
                                   const Py_ssize_t n_vecs) noexcept nogil:
    """One row of c over one block of k, from column j on n_vecs vectors at a time, a constant, as far as they are full;
    returns the first column left."""
    cdef vec acc[VECS_OF_ROW]
    cdef vec x
    cdef Py_ssize_t i, p
    cdef const real* a = o.a + row * o.a_row + at_k * o.a_k
    cdef const real* b
    cdef real* c = o.c + row * o.c_row
    while j + n_vecs * LANES <= o.n:
        b = o.b + at_k * o.b_k + j
        for i in range(n_vecs):
            acc[i] = v_set(0)
        for p in range(k):
            x = v_set(a[p * o.a_k])
            for i in range(n_vecs):
                acc[i] = v_fma(x, v_load(b + i * LANES), acc[i])
            b += o.b_k
        for i in range(n_vecs):
            if at_k > 0:
                acc[i] = v_add(v_load(c + j + i * LANES), acc[i])
            if o.bias != NULL and at_k + k == o.k:
                acc[i] = v_add(acc[i], v_load(o.bias + j + i * LANES))
            v_store(c + j + i * LANES, acc[i])
        j += n_vecs * LANES
    return j


cdef inline void begin_strips(Strip* s, const Operands* o, Py_ssize_t rows, Py_ssize_t at_k,
                              Py_ssize_t k) noexcept nogil:
    """What all strips of some rows and a block of k share."""
    s.k = k
    s.first = at_k == 0
    s.c_step = o.c_row
    s.b_step = TILE_COLUMNS if o.b_panel != NULL else o.b_k
    s.rows_left = rows % TILE_ROWS
    s.n_lower = s.rows_left != 0
    if o.a_panels != NULL:
        s.a_step = TILE_ROWS
        s.a_next = TILE_ROWS * k
    else:
        s.a_step = o.a_k if o.rows_adjoin else o.a_row
        s.a_next = TILE_ROWS * o.a_row


cdef inline void begin_strip(Strip* s, const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k,
                             Py_ssize_t j) noexcept nogil:
    """The strip from column j on, but for its b."""
    s.n_tiles = rows // TILE_ROWS
    s.a = o.a_panels if o.a_panels != NULL else o.a + row * o.a_row + at_k * o.a_k
    s.c = o.c + row * o.c_row + j
    s.bias = o.bias + j if o.bias != NULL and at_k + s.k == o.k else NULL


cdef void block_in_place(const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k,
                         Py_ssize_t k) noexcept nogil:
    """Some rows of c over one block of k, strip by strip, with a and b as they lie."""
    cdef Py_ssize_t j = 0, columns
    cdef Strip s
    if rows == 1:
        j = row_product(o, row, at_k, k, 0, VECS_OF_ROW)
        j = row_product(o, row, at_k, k, j, VECS_OF_ROW // 2)
    begin_strips(&s, o, rows, at_k, k)
    while j < o.n:
        columns = min(o.n - j, TILE_COLUMNS)
        begin_strip(&s, o, row, rows, at_k, j)
        s.b = o.b + at_k * o.b_k + j
        if o.rows_adjoin:
            strip_of_adjoining_rows(&s, columns)
        else:
            strip_of_separate_rows(&s, columns)
        j += TILE_COLUMNS


cdef void block_of_panels(const Operands* o, Py_ssize_t row, Py_ssize_t rows, Py_ssize_t at_k,
                          Py_ssize_t k) noexcept nogil:
    """The same with b copied for each strip, its lines asked for one strip ahead where it is large; and with a copied,
    if there are panels for it."""
    cdef Py_ssize_t j = 0, columns
    cdef Py_ssize_t n_turns = rows // TILE_ROWS * ((k + K_BETWEEN - 1) // K_BETWEEN)
    cdef bint asks = n_turns > 0 and o.n * o.k * <Py_ssize_t>sizeof(real) >= BYTES_READ_IN_PLACE
    cdef Strip s
    begin_strips(&s, o, rows, at_k, k)
    if o.a_panels != NULL:
        pack_rows(o.a_panels, o.a + row * o.a_row + at_k * o.a_k, rows, k, o.a_row, o.a_k)
    while j < o.n:
        columns = min(o.n - j, TILE_COLUMNS)
        begin_strip(&s, o, row, rows, at_k, j)
        pack_columns(o.b_panel, o.b + at_k * o.b_k + j * o.b_column, columns, k, o.b_k, o.b_column)
        s.b = o.b_panel
        if asks and columns == TILE_COLUMNS:
            look_ahead(o, at_k, k, j, n_turns, &s.ahead)
            if o.rows_adjoin:
                asking_tiles_of_adjoining_rows(&s)
            else:
                asking_tiles_of_separate_rows(&s)
        if o.rows_adjoin:
            strip_of_adjoining_rows(&s, columns)
        else:
            strip_of_separate_rows(&s, columns)
        j += TILE_COLUMNS


cdef void product(
    void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const void* bias, void* work,
) noexcept nogil:
    """c (m, n) = a (m, k) b (k, n) + bias (n,), NULL for none; a and b by strides, one of a's being 1."""
    if n <= NARROW and m >= LANES:
        narrow_product(c, c_row, m, n, k, a, a_row, a_k, b, b_k, b_column, bias, work)
    else:
        wide_product(c, c_row, m, n, k, a, a_row, a_k, b, b_k, b_column, bias, work)


cdef void narrow_product(
    void* c_, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const void* bias, void* work,
) noexcept nogil:
    """The same for few columns, which would leave lanes empty; cᵀ = bᵀ aᵀ fills them, TILE_COLUMNS rows of a at a
    time."""
    cdef real turned[NARROW_REALS]
    cdef real* c = <real*> c_
    cdef real addend
    cdef Py_ssize_t row = 0, rows, i, j
    if n == 1 and c_row == 1 and bias == NULL:          # a column that lies as the row would
        wide_product(c, m, 1, m, k, b, 1, b_k, a, a_k, a_row, NULL, work)
        return
    while row < m:
        rows = min(m - row, TILE_COLUMNS)
        wide_product(turned, rows, n, rows, k, b, b_column, b_k, <const real*> a + row * a_row, a_k, a_row, NULL, work)
        for j in range(n):
            addend = (<const real*> bias)[j] if bias != NULL else 0
            for i in range(rows):
                c[i * c_row + j] = turned[j * rows + i] + addend if bias != NULL else turned[j * rows + i]
        c += rows * c_row
        row += rows


cdef void wide_product(
    void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
    const void* bias, void* work,
) noexcept nogil:
    """The same with lanes over columns: some rows after the other, and of these one block of k after the other."""
    cdef Py_ssize_t at_k, row = 0, k_block, rows
    cdef Py_ssize_t rows_at_once = in_parts(m, ROWS_AT_ONCE, TILE_ROWS)
    cdef bint packing = worth_packing(m, n, k)
    cdef Operands o = Operands(
        c=<real*> c, c_row=c_row, n=n, k=k, a=<const real*> a, a_row=a_row, a_k=a_k, b=<const real*> b, b_k=b_k,
        b_column=b_column, bias=<const real*> bias, a_panels=NULL, b_panel=NULL, rows_adjoin=a_row == 1,
    )
    if packing or b_column != 1:
        o.b_panel = <real*> work
    if packing and n > 4 * TILE_COLUMNS:
        o.a_panels = <real*> work + TILE_COLUMNS * min(k, BLOCK)
        o.rows_adjoin = True
    if k == 0:
        fill_rows(o.c, c_row, m, n, o.bias)
    while row < m:
        rows = min(m - row, rows_at_once)
        at_k = 0
        while at_k < k:
            k_block = min(k - at_k, BLOCK)
            if o.b_panel != NULL:
                block_of_panels(&o, row, rows, at_k, k_block)
            else:
                block_in_place(&o, row, rows, at_k, k_block)
            at_k += BLOCK
        row += rows_at_once
