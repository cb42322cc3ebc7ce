"""The one door through which arrays enter the native code.

It trusts nothing: what the engine reads without looking (element type, strides, extent) is read off here once.
Refusals meant for people are in `fastprop._checks`; those below are for a programmer of this package.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.string cimport strchr, strlen

from fastprop._native.float_environment cimport environment, float_environment_restore, float_environment_set
from fastprop._native.kernels.table cimport Kernels

cdef enum:
    CAST_AT_ONCE = 2048     # reals, which stay in the first-level cache


cdef class Array:
    def __cinit__(self, array, bint writable=False):
        cdef int flags = PyBUF_STRIDES | PyBUF_FORMAT | (PyBUF_WRITABLE if writable else 0)
        cdef Py_ssize_t itemsize
        cdef const char* format
        PyObject_GetBuffer(array, &self.view, flags)
        itemsize = self.view.itemsize
        format = self.view.format
        if format[0] == b"=":               # so NumPy marks what is not aligned
            format += 1
        if self.view.ndim < 1 or self.view.ndim > 2 or strlen(format) != 1:
            raise TypeError(f"the engine takes vectors and matrices of plain numbers, not {array!r}")
        self.kind = format[0]
        if self.kind == b"?":
            self.kind = b"B"
        elif self.kind == b"l":
            self.kind = b"q" if itemsize == 8 else b"i"
        elif self.kind == b"L":
            self.kind = b"Q" if itemsize == 8 else b"I"
        if strchr(b"fdbhiqBHIQ", self.kind) == NULL:
            raise TypeError(f"the engine takes no elements of type {self.view.format!r}")
        self.data = <char*> self.view.buf
        self.shape = [self.view.shape[0], self.view.shape[1] if self.view.ndim == 2 else 1]
        self.strides = [self.view.strides[0], self.view.strides[1] if self.view.ndim == 2 else itemsize]

    def __dealloc__(self):
        PyBuffer_Release(&self.view)

    cdef bint is_packed(self, char kind) noexcept:
        """Whether it can be read as a C array of `kind`: its type, no gaps, aligned."""
        cdef Py_ssize_t itemsize = self.view.itemsize
        return (
            self.kind == kind and self.strides[1] == itemsize and self.strides[0] == self.shape[1] * itemsize
            and <size_t> self.data % <size_t> itemsize == 0
        )


def all_finite(capsule, X):
    """Whether each element of X, a vector or a matrix of any strides, is finite in the kernels' type.

    One pass over X: where it lies, if it is packed and of that type, else through a buffer to which it is cast.
    """
    cdef const Kernels* kernels = <const Kernels*> PyCapsule_GetPointer(capsule, "fastprop kernels")
    cdef Array source = lying(Array(X))
    cdef bint packed = source.is_packed(b"f" if kernels.itemsize == 4 else b"d")
    cdef Array buffer = None if packed else Array(bytearray(CAST_AT_ONCE * kernels.itemsize))
    cdef environment before
    cdef bint result
    with nogil:
        before = float_environment_set()
        if packed:
            result = kernels.all_finite(source.data, source.shape[0] * source.shape[1])
        else:
            result = all_finite_once_cast(kernels, source, buffer.data)
        float_environment_restore(before)
    return result


cdef Array lying(Array X):
    """X, or the transposed of it whose rows are nearer to lying one after the other in memory."""
    if abs(X.strides[0]) < abs(X.strides[1]):
        X.shape = [X.shape[1], X.shape[0]]
        X.strides = [X.strides[1], X.strides[0]]
    return X


cdef bint all_finite_once_cast(const Kernels* kernels, Array X, char* buffer) noexcept nogil:
    """A few rows, or a part of one, at a time."""
    cdef Py_ssize_t columns = min(X.shape[1], CAST_AT_ONCE), rows, first, j = 0, count, width
    rows = CAST_AT_ONCE // max(columns, 1)
    while j < X.shape[1]:
        width = min(columns, X.shape[1] - j)
        first = 0
        while first < X.shape[0]:
            count = min(rows, X.shape[0] - first)
            kernels.gather(X.kind, X.data + j * X.strides[1], X.strides[0], X.strides[1], NULL, first, count, width,
                           buffer)
            if not kernels.all_finite(buffer, count * width):
                return False
            first += count
        j += width
    return True
