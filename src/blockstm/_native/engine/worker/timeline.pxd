"""What a worker did and when: spans of time in a buffer of its own.

`Worker.timeline` is NULL unless `Config.timeline` asks for it, and looked at only where the clock
has been read anyway. A buffer is written by its worker's thread and read when all have left the
block. What finds no room is counted and dropped.
"""
from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport malloc

cdef struct Span:
    int64_t begin_ns
    int64_t end_ns
    int32_t index            # the transaction, -1 where there is none
    uint32_t incarnation
    uint32_t activity        # a WorkPhase (blocks.pxd)

cdef struct Timeline:
    Span* span
    uint64_t count
    uint64_t capacity
    uint64_t dropped
    uint32_t incarnation     # of the run that the worker has at hand


cdef inline Timeline* timeline_new(uint64_t capacity) noexcept nogil:
    """A buffer for so many spans, to be freed with `free`; NULL where memory has run out."""
    cdef Timeline* timeline = <Timeline*>malloc(sizeof(Timeline) + capacity * sizeof(Span))
    if timeline != NULL:
        timeline.span = <Span*>(timeline + 1)
        timeline.capacity = capacity
        timeline_reset(timeline)
    return timeline


cdef inline void timeline_reset(Timeline* timeline) noexcept nogil:
    timeline.count = timeline.dropped = 0
    timeline.incarnation = 0


cdef inline void timeline_add(Timeline* timeline, uint32_t activity, int64_t begin_ns, int64_t end_ns,
                              int32_t index) noexcept nogil:
    cdef Span* span
    if timeline.count == timeline.capacity:
        timeline.dropped += 1
        return
    span = &timeline.span[timeline.count]
    timeline.count += 1
    span.begin_ns = begin_ns
    span.end_ns = end_ns
    span.index = index
    span.incarnation = timeline.incarnation
    span.activity = activity
