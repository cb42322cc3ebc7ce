"""The table of kernels: all that the engine knows of floor 0. One table per target and real type.

Kernels take untyped pointers to contiguous reals of the table's type, so that one engine serves both types. They hold
no Python object, allocate nothing and cannot fail. Entries of a list begin with their name; a NULL name ends the list.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport strcmp

ctypedef enum Slope:
    # The activations whose step back a product can take over
    NO_SLOPE
    RELU_SLOPE
    TANH_SLOPE

ctypedef struct Activation:
    const char* name
    Slope slope                     # which of them it is
    bint reads_z                    # whether backward reads z besides a; else it takes NULL for it
    # settings: the description's numbers, in its order
    void (*forward)(const void* z, void* a, Py_ssize_t m, Py_ssize_t n, const double* settings) noexcept nogil
    void (*backward)(const void* a, const void* z, void* delta, Py_ssize_t m, Py_ssize_t n,
                     const double* settings) noexcept nogil

ctypedef struct LossRows:
    # What a loss is computed of, and where to: o, z and delta (m, n), y (m, n_targets), w and losses (m,).
    const void* o_or_z
    const void* y
    const void* w                   # NULL for weights of 1
    void* delta
    void* o                         # NULL where the output is not wanted
    double* losses
    Py_ssize_t m
    Py_ssize_t n
    Py_ssize_t n_targets
    const double* settings          # the description's numbers in its order
    double scale

ctypedef struct Loss:
    const char* name
    # The activation through which the loss steps back by itself, then fed that layer's z: NULL for a loss of o.
    const char* through
    void (*rows)(const LossRows* batch) noexcept nogil

ctypedef struct Metric:
    const char* name
    void (*rows)(const void* o, const void* y, const void* w, double* scores, Py_ssize_t m, Py_ssize_t n,
                 double setting) noexcept nogil

ctypedef struct Part:
    # Of a network's parameters, (rows, n), with what an optimizer's rule remembers of them.
    void* theta
    void* state                 # vectors like theta, as many as the rule has
    Py_ssize_t stride           # reals from a parameter's number in one of them to that in the next
    Py_ssize_t rows
    Py_ssize_t n
    const double* settings      # the rule's numbers at this step, in its description's order

ctypedef struct Gradient:
    # Of such a part: as it lies in memory, or where that is NULL as the factors of dW = aᵀ delta, not yet multiplied.
    const void* grad            # (rows, n)
    const void* a               # (m, a_row), of which the first `rows` columns
    Py_ssize_t a_row
    const void* delta           # (m, n)
    Py_ssize_t m                # at most a product's block of k

ctypedef struct Update:
    const char* name
    void (*apply)(const Part* part, const Gradient* gradient) noexcept nogil

ctypedef struct Finish:
    # What becomes of a product's elements at last, in this order.
    const void* bias            # (n,): is added to each row; NULL for none
    bint rectify                # relu
    Slope slope                 # c times the slope of the activation below, a step back,
    const void* below           # whose a (m, n) is laid out as c; NULL for NO_SLOPE

ctypedef struct Ahead:
    # Lines of memory that will be wanted: of rows `row_stride` bytes apart, or of those that `rows` names.
    const char* X
    Py_ssize_t row_stride
    const Py_ssize_t* rows          # NULL for one after the other
    const char* row                 # the next one
    Py_ssize_t width                # of a row, in bytes
    Py_ssize_t n_lines              # to ask for, of each
    Py_ssize_t line                 # the next one
    Py_ssize_t n_left               # in all rows
    Py_ssize_t at_once              # in a turn of asking

ctypedef struct LayerArrays:
    # What an operation of a layer reads and writes: arrays (m, n), or as its text says, rows `row` reals apart.
    const void* reads[6]
    void* writes[2]
    Py_ssize_t m
    Py_ssize_t n
    Py_ssize_t row
    double settings[3]

ctypedef void (*operation)(const LayerArrays* of) noexcept nogil

ctypedef struct Operation:
    const char* name
    operation apply

ctypedef struct Elementary:
    const char* name
    void (*apply)(const void* x, void* y, Py_ssize_t count) noexcept nogil

ctypedef struct Kernels:
    Py_ssize_t itemsize
    # c (m, n) = a (m, k) b (k, n), finished; c's rows c_row reals apart, a and b by strides in reals, one of a's two
    # being 1; meanwhile lines `ahead` are asked for, NULL for none
    void (*product)(void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n, Py_ssize_t k,
                    const void* a, Py_ssize_t a_row, Py_ssize_t a_k,
                    const void* b, Py_ssize_t b_k, Py_ssize_t b_column,
                    const Finish* finish, void* work, Ahead* ahead) noexcept nogil
    Py_ssize_t (*product_work)(Py_ssize_t m, Py_ssize_t n, Py_ssize_t k) noexcept nogil        # in reals
    # c (m, n) = x (m, k) b (k, n) + bias, and rows first..first + count - 1 of xᵀ delta; x sparse: row i's elements are
    # values[starts[i]:ends[i]], in columns of those numbers, ascending; chains (count, n) for more than 256 rows
    void (*sparse_product)(void* c, Py_ssize_t c_row, Py_ssize_t m, Py_ssize_t n,
                           const void* values, const Py_ssize_t* columns,
                           const Py_ssize_t* starts, const Py_ssize_t* ends,
                           const void* b, Py_ssize_t b_k, const void* bias) noexcept nogil
    void (*sparse_gradient)(void* dW, Py_ssize_t first, Py_ssize_t count, Py_ssize_t n, Py_ssize_t m,
                            const void* values, const Py_ssize_t* columns,
                            const Py_ssize_t* starts, const Py_ssize_t* ends,
                            const void* delta, void* chains) noexcept nogil
    void (*column_sums)(const void* x, void* sums, Py_ssize_t m, Py_ssize_t n) noexcept nogil
    double (*weight_sum)(double before, const void* w, Py_ssize_t m) noexcept nogil
    bint (*all_finite)(const void* x, Py_ssize_t count) noexcept nogil
    # Around an optimizer's rule, as told in options.pxi
    void (*add_to)(const void* x, void* sum, Py_ssize_t count) noexcept nogil
    void (*squares)(const void* x, double* sums, Py_ssize_t count, double scale, double limit) noexcept nogil
    void (*magnitudes)(const void* x, double* sums, Py_ssize_t count) noexcept nogil
    void (*shape_gradient)(const void* theta, void* grad, Py_ssize_t count, double scale, double limit, double factor,
                           double l1) noexcept nogil
    void (*average)(const void* theta, void* average, Py_ssize_t count, double share) noexcept nogil
    void (*limit_columns)(void* W, Py_ssize_t row, Py_ssize_t m, Py_ssize_t n, double limit) noexcept nogil
    # x (m, n) = X[rows[first:first + m]]; strides in bytes, rows NULL for consecutive ones; kind is the
    # struct module's letter of X's elements: f d, b h i q, B H I Q
    void (*gather)(char kind, const char* X, Py_ssize_t row_stride, Py_ssize_t column_stride,
                   const Py_ssize_t* rows, Py_ssize_t first, Py_ssize_t m, Py_ssize_t n, void* x) noexcept nogil
    # ask for X[rows[:m]], of `width` bytes each, before they are gathered, or have products of `work` multiply-adds ask
    void (*expect)(Ahead* ahead, const char* X, Py_ssize_t row_stride, Py_ssize_t width, const Py_ssize_t* rows,
                   Py_ssize_t m, double work) noexcept nogil
    void (*gather_one_hot)(const int64_t* labels, const Py_ssize_t* rows, Py_ssize_t first,
                           Py_ssize_t m, Py_ssize_t n, void* y) noexcept nogil
    void (*gather_sparse)(char kind, const char* data, bint wide, const char* numbers, Py_ssize_t count, void* values,
                          Py_ssize_t* columns) noexcept nogil
    # mask (count,) = 0 with probability threshold / 2**32, else kept, by random numbers at positions first and upwards
    void (*random_mask)(void* mask, uint64_t first, Py_ssize_t count, uint32_t c2, uint32_t c3, uint64_t seed,
                        uint32_t threshold, double kept) noexcept nogil
    # rows = 0..n - 1 in an order by random numbers at that address
    void (*shuffle)(Py_ssize_t* rows, Py_ssize_t n, uint32_t c2, uint32_t c3, uint64_t seed) noexcept nogil
    # Operations of layers, all of them listed by name as well
    operation elementwise_sum
    operation elementwise_product
    operation masked
    operation weighted_sum
    operation column_moments
    operation column_dots
    operation inverse_deviations
    operation standardize_columns
    operation affine_columns
    operation batch_norm_backward
    operation normalize_rows
    operation normalize_rows_backward
    operation prelu
    operation prelu_backward
    operation negative_dots
    operation row_sums
    operation blend
    operation blend_backward
    operation smooth_clip
    operation smooth_clip_backward
    operation waves
    operation waves_backward
    const Operation* operations
    # sums (fma_lanes,) after `count` fused multiply-adds on each, in as many chains as fill the machine's units
    void (*fma_chains)(void* sums, Py_ssize_t count) noexcept nogil
    Py_ssize_t fma_lanes
    const Elementary* elementaries
    const Activation* activations
    const Loss* losses
    const Metric* metrics
    const Update* updates


cdef inline const void* find(const void* entries, size_t size, const char* name) except NULL:
    """The entry of that name in a list of entries of `size` bytes, each of which begins with its name."""
    cdef const char* entry = <const char*> entries
    while (<const char* const*> entry)[0] != NULL:
        if strcmp((<const char* const*> entry)[0], name) == 0:
            return entry
        entry += size
    raise LookupError(f"no kernel is called {name.decode()!r}")


cdef inline Finish plain() noexcept nogil:
    """Elements as they are."""
    return Finish(bias=NULL, rectify=False, slope=NO_SLOPE, below=NULL)
