"""The one door through which arrays enter the native code.

It trusts nothing: what the engine reads without looking (element type, strides, extent) is read off here once.
Refusals meant for people are in `fastprop._checks`; those below are for a programmer of this package.
"""

from libc.string cimport strchr, strlen


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
