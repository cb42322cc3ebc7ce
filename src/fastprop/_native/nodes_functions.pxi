# Activations that are Python functions: forward a = f(z), and back dC/dz from z and dC/da.
#
# The interpreter is called with a worker's rows, as copies: what a function keeps stays as it is. Once one has raised
# no more are called; the batch goes on with whatever numbers are there, so that all workers meet where they should,
# until the job stops before anything is learnt from it.


cdef void function_forward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    if share.count > 0:
        call_functions(node, share, 0, input_of(node, share) + at, NULL, output_of(node, share) + at)


cdef void function_backward(Node* node, const Share* share) noexcept nogil:
    cdef Py_ssize_t at = share.first * node.n_out * share.kernels.itemsize
    if share.count > 0:
        call_functions(node, share, 1, input_of(node, share) + at, node.delta + at, node.delta_in + at)


cdef void call_functions(Node* node, const Share* share, Py_ssize_t way, const char* z, const char* delta,
                         char* result) noexcept with gil:
    """result = functions[way](z), or of (z, delta): all (rows, n_out)."""
    cdef Plan plan = <Plan> node.plan
    shape = (share.count, node.n_out)
    if plan.failed:
        return
    try:
        arrays = [plan.copied(z, shape)] if delta == NULL else [plan.copied(z, shape), plan.copied(delta, shape)]
        array = (<object> node.functions)[way](*arrays)
        memcpy(result, Array(array).data, share.count * node.n_out * share.kernels.itemsize)
    except BaseException as error:
        plan.error, plan.failed = error, True
