# The most that the machine's fused multiply-add units give: what the product's speed is measured against.

cdef enum:
    ROUNDS_IN_REGISTERS = 4096


cdef void fma_chains(void* sums_, Py_ssize_t count) noexcept nogil:
    """sums (TILE_ROWS, TILE_COLUMNS) after `count` times sums = x x + sums, with x the first vector of sums.

    As many chains as the tile has accumulators: they fit the registers, and hide each other's latency. They have the
    tile's shape, and are stored and loaded again every few thousand rounds, because GCC unrolls 16 turns of a loop at
    most before it looks for registers, and only inside another loop (docs/performance.md)."""
    cdef real* sums = <real*> sums_
    cdef vec acc[TILE_ROWS][TILE_VECS]
    cdef vec x = v_load(sums)
    cdef Py_ssize_t i, j, p, rounds
    while count > 0:
        rounds = min(count, ROUNDS_IN_REGISTERS)
        for i in range(TILE_ROWS):
            for j in range(TILE_VECS):
                acc[i][j] = v_load(sums + i * TILE_COLUMNS + j * LANES)
        for p in range(rounds):
            for i in range(TILE_ROWS):
                for j in range(TILE_VECS):
                    acc[i][j] = v_fma(x, x, acc[i][j])
        for i in range(TILE_ROWS):
            for j in range(TILE_VECS):
                v_store(sums + i * TILE_COLUMNS + j * LANES, acc[i][j])
        count -= rounds
