"""The one door through which arrays enter the native code: a buffer of any type and strides, held while in use."""

from cpython.buffer cimport (
    PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release, PyObject_GetBuffer,
)


cdef class Array:
    cdef Py_buffer view
    cdef char* data
    cdef char kind              # struct's letter for the element, of fixed width: f d, b h i q, B H I Q
    cdef Py_ssize_t[2] shape    # (rows, columns); a vector has one column
    cdef Py_ssize_t[2] strides  # in bytes

    cdef bint is_packed(self, char kind) noexcept
