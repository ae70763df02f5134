"""The engine: the memory of one executor, its workers, and the barrier between the worker pool and a block.

Threads: `run` is called by one thread at a time (the one that has the turn: see shared_engine.pxd) and works
as worker 0; each other worker is a thread that sits in `help_until_shut` for the engine's whole life. It
joins a block only while the barrier is open; `run` closes the barrier and waits until all workers have left,
so no other thread touches a block's memory when `run` returns.
"""
from libc.stdint cimport int32_t, int64_t, uint64_t

from blockstm._native.base.atomics cimport Atomic
from blockstm._native.engine.barrier cimport Barrier
from blockstm._native.engine.bound_vm cimport BoundVm
from blockstm._native.engine.expectations cimport ExpectedInBlock
from blockstm._native.engine.explorer cimport Explorer
from blockstm._native.engine.gate cimport Pace
from blockstm._native.engine.limit cimport BlockLimit
from blockstm._native.engine.mvmemory.listed cimport ListedInBlock
from blockstm._native.engine.request cimport Request
from blockstm._native.engine.worker.blocks cimport Block, Worker


cdef class Engine:
    cdef Block block
    cdef Barrier barrier
    cdef Worker* worker
    cdef readonly int32_t workers
    cdef int pid                   # of the process that it was made in
    cdef int64_t task_capacity
    cdef int64_t outcome_capacity
    cdef BoundVm vm                # of the block whose memory is held
    cdef ExpectedInBlock expected  # of the block at hand; None where nothing is
    cdef ListedInBlock listed      # the same
    cdef BlockLimit limit
    cdef object options            # of the block at hand
    cdef object interrupt
    cdef Atomic[int32_t] unwanted  # a stream's block that is to stop, even before it has begun
    cdef int64_t began_ns
    cdef Pace pace                 # of the blocks before

    cdef int reserve_outcomes(self, int64_t count) except -1
    cdef int reserve_tasks(self, int64_t count) except -1
    cdef int begin(self, BoundVm vm, int64_t count, object options) except -1
    cdef void begin_store(self, object options) noexcept
    cdef void begin_frontier(self, BoundVm vm) noexcept
    cdef void begin_scheduler(self, int64_t count) noexcept
    cdef void begin_sharing(self, object options) noexcept
    cdef int set_expected(self, Request request) except -1
    cdef int set_listed(self, Request request) except -1
    cdef int make_ready(self, int32_t first, int32_t end) except -1
    cdef int share(self, int32_t workers) except -1
    cdef void weigh_hints(self) noexcept
    cdef void weigh_relay(self) noexcept
    cdef int begin_listed(self) except -1
    cdef void speculate(self, int32_t workers) noexcept
    cdef int run_sequential_phase(self) except -1
    cdef int run_until_sharing_is_profitable(self) except -1
    cdef int run_alone(self, int64_t until) except -1
    cdef int commit_executed(self) except -1
    cdef int run_shared(self, int32_t workers, bint checks_profit) except -1
    cdef int run_explored(self, int32_t workers, Explorer* explorer) except -1
    cdef int set_up(self, Request request, bint streaming) except -1
    cdef object run(self, Request request, int32_t workers, bint streaming)
    cdef object explore(self, Request request, object choices, uint64_t steps_max, uint64_t reads_max)
    cdef object finished(self, int32_t workers)
    cdef object rested(self, result)
    cdef object ending(self)

    cdef bint call_helpers(self, bint waits) except -1
    cdef int help_until_shut(self, int32_t id) except -1
    cdef bint help_without_gil(self, int32_t id, uint64_t* seen) noexcept nogil

    cdef void prepare(self) noexcept
    cdef int64_t final(self) noexcept nogil
    cdef object outcome(self, int32_t index)
    cdef void stop(self) noexcept nogil
