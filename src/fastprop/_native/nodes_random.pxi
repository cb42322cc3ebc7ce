# Nodes that draw random masks: a = x mask + shift, dC/dx = delta mask.


cdef void dropout_forward(Node* node, const Share* share) noexcept nogil:
    """The mask's address is the trainer's seed, this node's number, the step, and the position in the batch."""
    cdef Py_ssize_t first = share.first * node.n_out, count = share.count * node.n_out
    cdef Py_ssize_t at = first * share.kernels.itemsize
    cdef double* s = node.settings              # rate, factor of those kept, what is added to them and to those dropped
    cdef LayerArrays of = rows_of(node, share)
    cdef double threshold = min(s[0] * 4294967296.0 + 0.5, 4294967295.0)
    share.kernels.random_mask(
        node.own + at, first, count, <uint32_t> share.step, mask_purpose(node.number, share.step), share.seed,
        <uint32_t> threshold, s[1],
    )
    of.reads[0], of.reads[1], of.writes[0] = input_of(node, share) + at, node.own + at, output_of(node, share) + at
    of.settings[0], of.settings[1] = s[2], s[3]
    share.kernels.masked(&of)


cdef inline uint32_t mask_purpose(Py_ssize_t number, uint64_t step) noexcept nogil:
    """The last word of the address: the purpose, the step's bits from 32 to 39, and which of the masks."""
    return <uint32_t> MASK | <uint32_t> (step >> 32 & 0xff) << 8 | <uint32_t> number << 16


cdef void dropout_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    cdef LayerArrays of = rows_of(node, share)
    of.reads[0], of.reads[1], of.writes[0] = node.delta + at, node.own + at, node.delta_in + at
    share.kernels.elementwise_product(&of)
