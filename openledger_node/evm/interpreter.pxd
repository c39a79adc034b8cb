# C types of the variables in `interpreter.py`, for Cython only. Words stay Python integers; what is bounded by
# memory, code size or 2**62 gas is a machine integer.
cimport cython


@cython.locals(op=int, end=Py_ssize_t)
cpdef Py_ssize_t _walk(bytes code, Py_ssize_t start, Py_ssize_t limit) except -1

@cython.locals(marks=list, position=Py_ssize_t, due=Py_ssize_t, size=Py_ssize_t, op=int)
cpdef list _find_marks(bytes code)


cdef class Run:
    cdef public object state
    cdef public object accounts
    cdef public object context
    cdef public bint has_delegations
    cdef public bytes prices
    cdef public bint watches_time
    cdef public set created
    cdef public dict constants


cdef class Frame:
    cdef public Run run
    cdef public Frame parent
    cdef public bytes code
    cdef public bytes address
    cdef public bytes sender
    cdef public bytes code_address
    cdef public object value
    cdef public object data_buffer
    cdef public Py_ssize_t data_start
    cdef public Py_ssize_t data_size
    cpdef bytes data_part(self, Py_ssize_t size)
    cdef public long long gas
    cdef public int depth
    cdef public bint is_static
    cdef public bint is_create
    cdef public bint is_delegation
    cdef public object checkpoint
    cdef public Py_ssize_t pc
    cdef public list stack
    cdef public bytearray memory
    cdef public bytes return_data
    cdef public bytes output
    cdef public Py_ssize_t output_offset
    cdef public Py_ssize_t output_size
    cdef public object error


@cython.locals(frame=Frame)
cpdef object execute(Run run, object message)

@cython.locals(frame=Frame, inner=Frame, parent=Frame)
cdef object _run_frames(Run run, Frame first)

cdef object _end(Run run, Frame frame)

@cython.locals(code=bytes, price=cython.longlong)
cdef object _deposit(Run run, Frame frame)

@cython.locals(output=bytes, succeeded=bint, size=Py_ssize_t)
cdef object _take_result(Frame parent, Frame frame)

cdef object _transfer(object accounts, bytes sender, bytes recipient, object amount_wei)

cdef bint _run_precompile(Run run, Frame frame) except -1

@cython.locals(stack=list, target=bytes, inner_gas=cython.longlong, inner=Frame)
cdef object _call(Run run, Frame frame, int op, long long gas)

cdef long long _follow_delegation(Run run, Frame inner, long long gas) except -1

cdef object _enter(Run run, Frame frame, Frame inner, object value, int op)

@cython.locals(stack=list, inner_gas=cython.longlong, initcode=bytes, address=bytes, inner=Frame)
cdef object _create(Run run, Frame frame, int op, long long gas)

@cython.locals(code=bytes, data_start=Py_ssize_t, data_size=Py_ssize_t, stack=list, memory=bytearray, prices=bytes, constants=dict,
               watches_time=bint, code_size=Py_ssize_t, pc=Py_ssize_t, gas=cython.longlong, events=cython.longlong,
               is_ours=bint, op=int, price=int, start=Py_ssize_t, end=Py_ssize_t, place=int,
               destinations=set)
cdef object _run_code(Run run, Frame frame)

cdef object _constant(Run run, int op)
